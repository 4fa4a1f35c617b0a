"""JUnit XML of a scorecard: one test case per row, so that a CI shows verdicts as tests.

FAIL, INCONCLUSIVE and NOT_MEASURED are failures (only PASS counts as verified), ERROR is an error,
NOT_APPLICABLE is skipped. No times and dates: the bytes depend on the scorecard alone.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from iris_contract.atomic import write_text
from iris_contract.scorecard import Scorecard, ScoreRow

__all__ = ["write_junit"]

_TAGS = {
    "FAIL": "failure",
    "INCONCLUSIVE": "failure",
    "NOT_MEASURED": "failure",
    "ERROR": "error",
    "NOT_APPLICABLE": "skipped",
}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _ILLEGAL.sub("?", text)


def _describe(row: ScoreRow) -> str:
    value = "none" if row.value is None else f"{row.value:.6g}"
    interval = "" if row.low is None else f" [{row.low:.6g}, {row.high:.6g}]"
    return _clean(f"{row.reason}; value {value}{interval} {row.unit}, limits {row.limit_low}..{row.limit_high}")


def _add_case(suite: ET.Element, row: ScoreRow, detector: str) -> None:
    name = f"{row.metric}[{row.condition}]" if row.condition else row.metric
    place = ".".join(part for part in (row.family, row.setting, detector, row.algorithm) if part)
    case = ET.SubElement(suite, "testcase", classname=_clean(place), name=_clean(name))
    if row.verdict in _TAGS:
        ET.SubElement(case, _TAGS[row.verdict], type=row.verdict, message=_describe(row))


def write_junit(path: str | Path, scorecard: Scorecard) -> None:
    """Write the scorecard as JUnit XML, atomically; one suite per family. One of several detectors is named."""
    root = ET.Element("testsuites", name="iris-testbed")
    several = len({row.detector for row in scorecard.rows}) > 1
    for family, group in groupby(scorecard.rows, key=lambda row: row.family):
        rows = list(group)
        suite = ET.SubElement(root, "testsuite", name=family, tests=str(len(rows)))
        for row in rows:
            _add_case(suite, row, row.detector if several else "")
        for tag in ("failure", "error", "skipped"):
            suite.set(f"{tag}s" if tag != "skipped" else tag, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(root)
    write_text(path, '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n")
