"""Charts of what the benchmarks measured: the rows of a table that have a goal, as bars.

`python -m tests.site.charts TABLES FOLDER` reads Markdown, such as docs/explanation/performance.md or what `make bench`
wrote, and makes a chart of each of its tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

_TABLE = re.compile(r"^## (.+?)$|^(\|.+\|\n\|[-|]+\|\n(?:\|.+\n)+)", re.MULTILINE)
_CELL = re.compile(r"([\d.]+)(?: \(([\d.]+) to ([\d.]+)\))?")
_UNITS = ("ms", "MB")  # only ratios share an axis
_STYLE = """<style>
  :root { --bg: #fff; --ink: #1f2937; --soft: #4b5563; --line: #d1d5db; --met: #0f766e; --missed: #b45309 }
  @media (prefers-color-scheme: dark) {
    :root { --bg: #1e2129; --ink: #f3f4f6; --soft: #c3c9d4; --line: #4b5363; --met: #2dd4bf; --missed: #fbbf24 }
  }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink) }
  .title { font-size: 15px; font-weight: 650 } .soft { fill: var(--soft); font-size: 12px } .back { fill: var(--bg) }
  .met { fill: var(--met) } .missed { fill: var(--missed) } .bar { opacity: .8 }
  line { stroke: var(--line) } .range { stroke: var(--ink); stroke-width: 1.5 }
  .goal { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 3 2 }
</style>"""
_WIDTH, _LEFT, _ROW, _TOP = 940, 20, 46, 78


class Row(NamedTuple):
    """A figure: its name, the median, the lowest and highest round, and the goal in words and as a number."""

    name: str
    median: str
    low: float
    high: float
    goal: str
    bound: float

    @property
    def is_met(self) -> bool:
        return float(self.median) <= self.bound if self.goal.startswith("≤") else float(self.median) >= self.bound


def charts(tables: str) -> Iterator[tuple[str, str]]:
    """Yield the heading over each table, and its chart as SVG."""
    heading = ""
    for title, table in _TABLE.findall(tables):
        heading = title or heading
        rows = list(_rows(table))
        if rows:
            yield heading, _chart(heading, rows)


def _rows(table: str) -> Iterator[Row]:
    for line in table.splitlines()[2:]:
        name, figure, goal, _ = (cell.strip() for cell in line.strip("|").split("|"))
        found = _CELL.match(figure)
        if goal and found and not name.endswith(_UNITS):
            low, high = float(found[2] or found[1]), float(found[3] or found[1])
            yield Row(name.replace("`", ""), found[1], low, high, goal, float(goal[1:]))


def _chart(title: str, rows: list[Row]) -> str:
    height = _TOP + _ROW * len(rows) + 14
    most = max(max(row.high, row.bound) for row in rows)
    scale = (_WIDTH - 2 * _LEFT - 60) / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title or 'Figures')}: what is measured, and the goals</title>",
        _STYLE,
        f'<rect class="back" width="{_WIDTH}" height="{height}" rx="10"/>',
        f'<text class="title" x="{_LEFT}" y="30">{escape(title)}</text>',
        f'<text class="soft" x="{_LEFT}" y="52">Ratios. Bar: median of the rounds; line: lowest to highest round; '
        "dashed: goal.</text>",
    ]
    for number, row in enumerate(rows):
        y, word = _TOP + _ROW * number, "met" if row.is_met else "missed"
        low, median, high, goal = (_LEFT + scale * value for value in (row.low, float(row.median), row.high, row.bound))
        parts += [
            f'<text class="soft" x="{_LEFT}" y="{y}">{escape(row.name)}</text>',
            f'<rect class="bar {word}" x="{_LEFT}" y="{y + 7}" width="{median - _LEFT:.1f}" height="16" rx="3"/>',
            f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 15}" y2="{y + 15}"/>',
            f'<line class="goal" x1="{goal:.1f}" x2="{goal:.1f}" y1="{y + 5}" y2="{y + 26}"/>',
            f'<text class="{word}" x="{max(high, goal) + 8:.1f}" y="{y + 20}">{row.median}</text>',
            f'<text class="soft" x="{_WIDTH - _LEFT}" y="{y}" text-anchor="end">goal {escape(row.goal)}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def write(tables: Path, folder: Path) -> None:
    """Write each chart into a folder, under the name of its heading, or of the file if it has none."""
    for title, svg in charts(tables.read_text()):
        name = re.sub(r"^(?:a|the) ", "", title.lower()) or tables.stem
        (folder / f"{name.replace(' ', '-')}.svg").write_text(svg)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
