"""What a run found, as JSON, JUnit and a page."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from html import escape
from typing import Any

from .checks import Check

# Characters that XML cannot hold, not even escaped (XML 1.0, section 2.2); no answer has surrogates.
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


def to_json(checks: Iterable[Check]) -> str:
    """Return checks as a JSON array, with one object a line."""
    rows = [
        {
            "constraint": check.case.constraint.id,
            "pointer": check.case.constraint.pointer,
            "case": check.case.name,
            "documented": check.verdicts[0] or None,
            "actual": check.actual,
            "status": check.status,
            "differs": bool(check.wrong),
            "answer": check.answer,
            "task_id": check.task_id,
            "violations": [one.message for one in check.violations],
            "undeclared": list(check.undeclared),
            "skipped": check.skipped,
        }
        for check in checks
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


def to_junit(checks: Iterable[Check]) -> str:
    """Return checks as a JUnit report, in which a difference or a wrong answer is a failure."""
    checks = list(checks)
    counts: dict[str, Any] = {
        "tests": len(checks),
        "failures": sum(bool(check.wrong) for check in checks),
        "skipped": sum(bool(check.skipped) for check in checks),
    }
    suite = ET.Element("testsuite", {"name": "conformance", **{name: str(count) for name, count in counts.items()}})
    for check in checks:
        row = ET.SubElement(suite, "testcase", classname=check.case.constraint.id, name=check.case.name)
        if check.wrong:
            ET.SubElement(row, "failure", message=check.wrong).text = check.answer
        elif check.skipped:
            ET.SubElement(row, "skipped", message=check.skipped)
    return ET.tostring(suite, encoding="unicode").translate(_NO_XML)


def to_html(checks: Iterable[Check], *, server: str = "") -> str:
    """Return checks as a page that needs nothing else; what differs comes first."""
    checks = sorted(checks, key=lambda check: (not check.wrong, not check.undeclared, bool(check.skipped)))
    sent = [check for check in checks if not check.skipped]
    counts = {
        "different": sum(bool(check.wrong) for check in sent),
        "as documented": sum(not check.wrong for check in sent),
        "not checked": len(checks) - len(sent),
    }
    rows = "".join(
        f'<tr class="{"wrong" if check.wrong else "skipped" if check.skipped else ""}">'
        + "".join(f"<td>{escape(cell)}" for cell in _cells(check))
        + "\n"
        for check in checks
    )
    summary = ", ".join(f"<b>{count:,}</b> {name}" for name, count in counts.items())
    page = f"{_PAGE}<p>{escape(server)}</p><p>{summary}.</p>\n<table>{_COLUMNS}\n{rows}</table>\n"
    return page.translate(_NO_XML)


def _cells(check: Check) -> tuple[str, ...]:
    undeclared = f"Not in the document: {', '.join(check.undeclared)}" if check.undeclared else ""
    task = f"Task {check.task_id}." if check.task_id else ""
    said = " ".join(filter(None, (check.wrong or check.skipped, undeclared, check.answer, task)))
    status = "" if check.status is None else str(check.status)
    return check.case.constraint.id, check.case.name, *check.verdicts, status, said


_COLUMNS = "<tr><th>Constraint<th>Case<th>Documented<th>Actual<th>Status<th>Details"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Conformance</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere }
.wrong { background: #d0302022 }
.skipped { opacity: .7 }
</style>
<h1>Conformance</h1>
"""
