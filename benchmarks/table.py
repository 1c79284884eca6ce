"""The table that a run prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from .harness import Figure

NOT_MEASURED = "not measured"


@frozen
class Row:
    """One figure.

    Attributes:
        what: What was measured, and over what.
        figure: The figure, or why there is none.
        at_most: The goal, if less is better.
        at_least: The goal, if more is better.
    """

    what: str
    figure: Figure | str
    at_most: float | None = None
    at_least: float | None = None

    def cells(self) -> tuple[str, str, str, str]:
        goal, met = "", ""
        if self.at_most is not None:
            goal, good = f"≤ {self.at_most:g}", lambda value: value <= self.at_most
        elif self.at_least is not None:
            goal, good = f"≥ {self.at_least:g}", lambda value: value >= self.at_least
        if goal and isinstance(self.figure, Figure):
            met = "yes" if good(round(self.figure.middle, 2)) else "**no**"
        return self.what, str(self.figure), goal, met


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, each as soon as its row is measured."""
    yield "| what | median (lowest to highest round) | goal | met? |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(row.cells())} |"
