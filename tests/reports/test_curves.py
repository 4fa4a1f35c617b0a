"""Curves: what is drawn together, what the picture says in words, and the numbers behind it."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_reports.curves import collect_curves, describe_curve, describe_limits, draw_curve, tabulate_curve
from iris_reports.points import Point

Limits = tuple[float | None, float | None]


def _point(condition: str, value: float | None = 1.0, algorithm: str = "gls", limits: Limits = (0.9, 1.1)) -> Point:
    low, high = (None, None) if value is None else (value - 0.01, value + 0.01)
    return Point("ramp.x", "ramp", algorithm, "alone", condition, "1", 8, value, low, high, *limits, None, 1.05, "PASS")


def test_one_line_per_algorithm_with_its_own_colour() -> None:
    points = [_point(c, algorithm=a) for a in ("cds", "gls") for c in ("rate=1", "rate=10")]
    (curve,) = collect_curves(points, ["cds", "mcds", "gls"], {"ramp.x": "Title"})
    assert [(series.label, series.colour) for series in curve.series] == [("CDS", 0), ("GLS", 2)]
    assert curve.title == "Title"
    assert curve.axis_label == "Scene rate (e⁻/s)"


def test_detectors_have_curves_of_their_own_and_say_so_where_there_are_several() -> None:
    ours = [_point(c) for c in ("rate=1", "rate=2")]
    theirs = [replace(point, detector="IFU") for point in ours]
    assert [curve.detector for curve in collect_curves([*ours, *theirs], ["gls"], {})] == ["", "IFU"]
    (alone,) = collect_curves(theirs, ["gls"], {})
    assert alone.detector == ""


def test_one_place_is_no_curve_and_pooled_conditions_stay_out() -> None:
    assert not collect_curves([_point("all")], ["gls"], {})
    (curve,) = collect_curves([_point(c) for c in ("rate=1", "rate=2", "all")], ["gls"], {})
    assert curve.conditions == ("rate=1", "rate=2")


def test_apertures_of_one_algorithm_are_lines_over_the_rate() -> None:
    sizes, rates = ("4x4", "8x8", "1x64"), ("0.02", "2", "500")
    points = [_point(f"aperture={size} rate={rate}") for size in sizes for rate in rates]
    (curve,) = collect_curves(points, ["gls"], {})
    assert curve.axis_label == "Scene rate (e⁻/s)"
    assert [series.label for series in curve.series] == ["aperture 4 × 4", "aperture 8 × 8", "aperture 1 × 64"]
    assert [curve.place(point) for point in curve.series[0].points] == [0.02, 2, 500]
    assert "aperture 1 × 64" in _texts(draw_curve(curve))
    assert {row[0] for row in tabulate_curve(curve)[1]} == {"GLS"}


def test_apertures_of_several_algorithms_are_curves_of_their_own() -> None:
    conditions = [f"aperture={size} rate={rate}" for size in ("4x4", "8x8") for rate in ("1", "2")]
    points = [_point(condition, algorithm=name) for name in ("cds", "gls") for condition in conditions]
    curves = collect_curves(points, ["cds", "gls"], {})
    assert [curve.others for curve in curves] == ["aperture 4 × 4", "aperture 8 × 8"]
    assert [[series.label for series in curve.series] for curve in curves] == [["CDS", "GLS"]] * 2


def test_one_rate_of_several_apertures_is_no_curve() -> None:
    assert not collect_curves([_point(f"aperture={size} rate=2") for size in ("4x4", "8x8")], ["gls"], {})


def test_words_stand_side_by_side() -> None:
    (curve,) = collect_curves([_point("class=HOT"), _point("class=LOW_QE")], ["gls"], {})
    assert not curve.numeric
    svg = draw_curve(curve)
    assert "LOW QE" in svg
    assert "Class" in svg


def test_long_labels_stand_a_word_a_line() -> None:
    settings = [f"filter={name} grating=4000-K scale=4 mask=FINE_MASK" for name in ("KN1", "KN2", "KN3", "KN4")]
    (curve,) = collect_curves([_point(setting) for setting in settings], ["gls"], {})
    drawn = draw_curve(curve)
    assert [drawn.count(f">{word}<") for word in ("KN1", "4000-K", "FINE", "FINE MASK")] == [1, 4, 4, 0]


def test_values_of_very_different_size_stand_on_a_logarithmic_scale() -> None:
    for values, labels in (((1.0, 120.0), {"1", "10", "100"}), ((1.0, 20.0), {"5", "10", "15", "20"})):
        points = [_point(f"rate={n}", value, limits=(None, None)) for n, value in enumerate(values, 1)]
        (curve,) = collect_curves(points, ["gls"], {})
        found = {text.text for text in ElementTree.fromstring(draw_curve(curve)).iter() if text.tag.endswith("text")}
        assert labels <= found


def _texts(svg: str) -> dict[str, str]:
    """What a picture says, and how each text is placed."""
    found = [text for text in ElementTree.fromstring(svg).iter() if text.tag.endswith("text")]
    return {str(text.text): str(text.get("transform")) for text in found}


def test_limits_that_the_scale_leaves_out_are_told_in_the_picture() -> None:
    """A limit of 0.02 far above values of 0.00015 would squeeze these into a line."""
    points = [_point(f"role={role}", 1.5e-4, limits=(-0.01, 0.02)) for role in ("ladder", "snow")]
    near = [replace(point, low=1.45e-4, high=1.55e-4) for point in points]
    (curve,) = collect_curves(near, ["gls"], {})
    assert "Off this scale: limits −0.01 below, 0.02 above" in _texts(draw_curve(curve))
    (curve,) = collect_curves([replace(point, limit_low=None, limit_high=1.6e-4) for point in near], ["gls"], {})
    assert not any("Off this scale" in text for text in _texts(draw_curve(curve)))


def test_the_name_of_the_vertical_axis_stays_in_the_picture() -> None:
    """However long the numbers beside it are."""
    points = [_point(f"role={role}", value) for role, value in (("ladder", 1.553e-4), ("snow", 1.562e-4))]
    narrow = [replace(p, unit="sigma", low=p.value and p.value - 2e-6, high=p.value and p.value + 2e-6) for p in points]
    (curve,) = collect_curves(narrow, ["gls"], {})
    texts = _texts(draw_curve(curve))
    assert "1.54×10⁻⁴" in texts
    place = texts["x (σ)"].removeprefix("translate(").split()[0]
    assert float(place) >= 12


def test_algorithms_that_no_list_names_are_drawn() -> None:
    (curve,) = collect_curves([_point(c, algorithm="theirs") for c in ("rate=1", "rate=2")], ["gls"], {})
    assert [(series.label, series.colour) for series in curve.series] == [("theirs", 1)]


def test_alternative_text_holds_every_number() -> None:
    (curve,) = collect_curves([_point("rate=1", 0.97), _point("rate=2", 1.02)], ["gls"], {})
    text = describe_curve(curve)
    for piece in ("rate 1 e⁻/s: 0.970 (0.960 to 0.980)", "1.020", "Limits: 0.9 to 1.1"):
        assert piece in text
    assert describe_limits(curve) == "Limits 0.9 to 1.1; goal at most 1.05"


def test_the_table_holds_every_point() -> None:
    (curve,) = collect_curves([_point("rate=1"), _point("rate=2", limits=(None, None))], ["gls"], {})
    head, rows = tabulate_curve(curve)
    assert len(rows) == 2
    assert len(head) == len(rows[0])


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=3))
def test_any_values_can_be_described(values: list[float]) -> None:
    points = [_point(f"rate={n}", value) for n, value in enumerate(values)]
    (curve,) = collect_curves(points, ["gls"], {})
    assert describe_curve(curve)


@pytest.mark.parametrize("values", [(math.nan, 1.0), (math.inf, math.inf), (0.0, 0.0), (1e-9, 1e9)])
def test_odd_values_can_be_drawn(values: tuple[float, float]) -> None:
    points = [_point(f"rate={n}", value, limits=(None, 1e-30)) for n, value in enumerate(values, 1)]
    (curve,) = collect_curves(points, ["gls"], {})
    ElementTree.fromstring(draw_curve(curve))
