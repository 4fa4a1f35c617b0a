"""The simulator's page holds each anchor: value, interval, limits, source and verdict, judged or not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from iris_contract.atomic import write_json
from iris_contract.scorecard import read_scorecard, write_scorecard
from iris_reports import render_report
from iris_reports.anchor_plots import draw_anchor
from iris_reports.catalogue import load_anchors
from iris_reports.points import Point
from iris_validators import METRICS, combine, judge, load_specifications
from iris_validators.parquet import read_samples, write_samples
from iris_validators.sample import Sample

NOISE = {1: 18.4, 4: 9.7, 16: 5.8, 32: 4.9}


def make_samples(metric: str, condition: str, value: float) -> list[Sample]:
    """Five nights that scatter by 1 %."""
    kind, unit = METRICS[metric].kind, METRICS[metric].unit
    return [
        Sample(
            metric, "simulator", "simulator", "chain", condition, night, kind, unit, value * (1 + 0.01 * (night - 3))
        )
        for night in range(1, 6)
    ]


@pytest.fixture
def simulator_text(build_run: Callable[..., Path], make_row: Callable[..., object]) -> tuple[Path, str]:
    """A run in which noise passes, a loss fails, the exponent is not judged and persistence was not measured."""
    run = build_run()
    groups = {("simulator.mcds_noise", f"pairs={n}"): value for n, value in NOISE.items()}
    groups |= {("simulator.loss", "electrons=44500"): 0.02, ("simulator.mcds_exponent", "all"): -0.37}
    samples = {key: make_samples(*key, value) for key, value in groups.items()}
    rows = [make_row(metric="simulator.persistence", family="simulator", verdict="NOT_MEASURED", reason="no sample",
                     requirement="simulator.persistence")]  # fmt: skip
    for (metric, condition), found in samples.items():
        for spec in load_specifications().values():
            if spec.metric == metric and spec.applies("chain", "simulator", condition):
                m, limits = combine(found), spec.limits
                rows.append(make_row(
                    metric=metric, family="simulator", algorithm="simulator", setting="chain", condition=condition,
                    value=m.value, low=m.low, high=m.high, limit_low=limits.low, limit_high=limits.high, nights=m.n,
                    unit=spec.unit, verdict=judge(spec, m).word, requirement=spec.id,
                ))  # fmt: skip
    scores = run / "scores"
    card = read_scorecard(scores / "scorecard.json")
    write_scorecard(scores / "scorecard.json", replace(card, rows=(*card.rows, *rows)))
    table = scores / "samples.parquet"
    write_samples(table, [*read_samples(table), *(s for found in samples.values() for s in found)])
    render_report(run)
    page = (run / "report" / "simulator.html").read_text("utf-8")
    return run, " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


def test_every_figure_has_value_limits_and_verdict(simulator_text: tuple[Path, str]) -> None:
    text = simulator_text[1]
    assert "Not compared in this run" not in text
    assert re.search(r"Noise of n pairs of reads pairs 1 18\.40 \(18\.\d+ to 18\.\d+\) e⁻ 10 to 23\.4 e⁻ PASS", text)
    assert re.search(r"electrons 4\.45×10⁴ 0\.02000 \(0\.\d+ to 0\.\d+\) 0\.009 to 0\.011 FAIL", text)
    assert re.search(r"falls −0\.37\d* \(.*?\) none not judged", text)
    assert re.search(r"Charge that comes back within 150 s not measured .*? NOT MEASURED no sample", text)


def test_every_anchor_names_its_source(simulator_text: tuple[Path, str]) -> None:
    for anchor in load_anchors():
        assert " ".join(anchor.source.split()) in simulator_text[1]


def test_noise_is_drawn_beside_real_detectors(simulator_text: tuple[Path, str]) -> None:
    run, text = simulator_text
    svg = (run / "report" / "figures" / "simulator-simulator-mcds-noise.svg").read_text("utf-8")
    labels = [e.text for e in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"simulated", "Keck OSIRIS SPEC", "Keck OSIRIS IMAG", "Pairs of reads", "Noise (e⁻)"} <= set(labels)
    table = (run / "report" / "data" / "simulator-simulator-mcds-noise.csv").read_text("utf-8")
    assert "Keck OSIRIS SPEC,32,7.8,," in table
    assert "simulated,32.0,4.8" in table
    assert "Beside real detectors" in text


def test_a_point_without_interval_can_be_drawn() -> None:
    plot = next(anchor.plot for anchor in load_anchors() if anchor.plot)
    point = Point(plot.metric, "simulator", "simulator", "chain", "pairs=2", "electron", 1, 13.0, None, None)
    assert ElementTree.fromstring(draw_anchor(plot, [point])) is not None


def test_the_controls_page_says_held_not_held_and_undecided(build_run: Callable[..., Path]) -> None:
    run = build_run()
    path = run / "scores" / "controls.json"
    content = json.loads(path.read_text("utf-8"))
    outcomes = ("held", "not held", "undecided")
    changes = [{"outcome": outcome, "held": outcome == "held", "reason": f"since {outcome}"} for outcome in outcomes]
    content["controls"] = [content["controls"][0] | change for change in changes]
    write_json(path, content)
    page = (render_report(run).parent / "controls.html").read_text("utf-8")
    words = re.findall(r'<span class="verdict \S+">((?:NOT )?HELD|UNDECIDED)</span>', page)
    assert words == [outcome.upper() for outcome in outcomes]
    assert "1 of 3 controls held, 1 undecided: the unbroken products do not pass." in page
    assert [f"since {outcome}" in page for outcome in outcomes] == [True] * 3


def test_the_provenance_page_names_command_versions_and_contexts(build_run: Callable[..., Path]) -> None:
    run = build_run()
    stated = {"versions": {"numpy": "2.9"}, "contexts": {"crds": "tmt_0042.pmap"}}
    command = {"schema": "iris-testbed/provenance/1", "command": "iris-testbed run mine.yaml"}
    write_json(run / "provenance.json", command | stated)
    page = (render_report(run).parent / "provenance.html").read_text("utf-8")
    assert [text in page for text in ("iris-testbed run mine.yaml", "2.9", "tmt_0042.pmap")] == [True] * 3


def test_anchors_are_those_that_are_measured() -> None:
    """Each metric of the family belongs to one anchor, and every specification has an anchor."""
    listed = [metric for anchor in load_anchors() for metric in anchor.metrics]
    assert sorted(listed) == sorted(name for name in METRICS if name.startswith("simulator."))
