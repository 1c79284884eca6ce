"""What all rounds found: a line for each, and a table of the faults."""

from __future__ import annotations

from collections import Counter, defaultdict

from attrs import define, field

from .round import Result

_COLUMNS = ("times", "rounds", "edits", "lost", "paid twice", "unknown", "at most")


@define
class Report:
    """The rounds so far."""

    failed: int = 0
    _faults: dict[str, Counter[str]] = field(factory=lambda: defaultdict(Counter))

    def add(self, result: Result) -> str:
        """Add a round, and return its line."""
        figures = Counter(
            {
                "rounds": 1,
                "edits": result.plan.edits,
                "lost": len(result.verdict.lost),
                "paid twice": len(result.verdict.twice),
                "unknown": len(result.verdict.unknown),
                "at most": result.verdict.allowed,
            }
        )
        for kind, times in result.happened.items():
            self._faults[kind] += figures + Counter(times=times)
        self._faults["all"] += figures + Counter(times=result.happened.total())
        self.failed += not result.verdict.is_good
        plan, verdict = result.plan, result.verdict
        facts = [
            f"{'good' if verdict.is_good else 'BAD '} seed {plan.seed}: {plan.database}",
            f"{plan.processes} process{'es' if plan.processes > 1 else ''}",
            f"{plan.edits} edits, {len(verdict.unknown)} unknown of at most {verdict.allowed}",
            *(f"{times} x {kind}" for kind, times in sorted(result.happened.items())),
            f"{result.seconds:.0f} s",
        ]
        return "\n    ".join([", ".join(facts), *verdict.complaints])

    def table(self) -> str:
        """Return the figures of the rounds in which each kind of fault happened, as Markdown."""
        rows = [("fault", *_COLUMNS), *(("---",) * (len(_COLUMNS) + 1),)]
        rows += [(kind, *(str(found[name]) for name in _COLUMNS)) for kind, found in sorted(self._faults.items())]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
