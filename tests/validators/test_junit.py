"""JUnit: only PASS is green, hostile text stays well-formed, bytes repeat."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from iris_contract.scorecard import VERDICTS, Scorecard
from iris_validators import RunInfo, score, write_junit

(ROW,) = score(RunInfo("quick", 8), [], ["ramp.bias"]).rows


def read(path, *rows):
    write_junit(path, Scorecard({}, rows))
    return ET.parse(path).getroot()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdict_becomes_a_test_result(tmp_path, verdict):
    (case,) = read(tmp_path / "j.xml", replace(ROW, verdict=verdict)).iter("testcase")
    tags = {"PASS": [], "ERROR": ["error"], "NOT_APPLICABLE": ["skipped"]}
    assert [child.tag for child in case] == tags.get(verdict, ["failure"])


def test_suites_count(tmp_path):
    rows = [replace(ROW, verdict=v) for v in VERDICTS] + [replace(ROW, family="dark", verdict="PASS")]
    ramp, dark = read(tmp_path / "j.xml", *rows).iter("testsuite")
    assert ramp.attrib == {"name": "ramp", "tests": "6", "failures": "3", "errors": "1", "skipped": "1"}
    assert (dark.get("name"), dark.get("tests"), dark.get("failures")) == ("dark", "1", "0")


def test_names(tmp_path):
    row = replace(ROW, algorithm="gls", setting="alone", condition="rate=2")
    (case,) = read(tmp_path / "j.xml", row).iter("testcase")
    assert case.attrib == {"classname": "ramp.alone.gls", "name": "ramp.bias[rate=2]"}


def test_hostile_text(tmp_path):
    row = replace(ROW, verdict="ERROR", reason='<b>&"\x00\x1b\ud800', algorithm="a\x07b")
    (case,) = read(tmp_path / "j.xml", row).iter("testcase")
    assert case[0].get("message").startswith('<b>&"???')
    assert case.get("classname") == "ramp.a?b"


def test_bytes_repeat(tmp_path):
    for name in ("a", "b"):
        read(tmp_path / name, ROW)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
