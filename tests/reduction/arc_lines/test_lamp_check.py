"""Which shares of light let an exposure pass as that of its lamp; with real frames in the pipeline's tests."""

from dataclasses import dataclass

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import load_passband
from iris_reduction.arc_lines import lamp_check
from iris_reduction.arc_lines.measurement import measure_arcs
from iris_reduction.arc_lines.pattern import list_lines

BAND = load_passband("KN3")


@dataclass
class Image:
    name: str = "arc.fits"
    lamp: str = "ARGON"


def test_a_lamp_no_line_of_which_is_seen_in_most_spectra_is_refused(monkeypatch):
    monkeypatch.setattr(lamp_check, "predict_points", lambda *arguments: None)
    lines = list_lines("ARGON", BAND)
    shown = {0: np.array([9.0, 9.0, 1.0]), 1: np.array([9.0, 1.0, 1.0])}
    monkeypatch.setattr(lamp_check, "_show", lambda *arguments: shown)
    lamp_check._require_light(Image(), lines, 3, None)
    del shown[0]
    with pytest.raises(InputError, match=r"arc\.fits: CALLAMP='ARGON': no line of this lamp is seen"):
        lamp_check._require_light(Image(), lines, 3, None)


def check(monkeypatch, shares, lacking=False):
    monkeypatch.setattr(lamp_check, "_explain", lambda image, lines, number, at: shares.get(lines.lamp, 0.0))
    monkeypatch.setattr(lamp_check, "_lacks_brightest", lambda *arguments: lacking)
    for name in ("_refuse_second", "_require_light"):
        monkeypatch.setattr(lamp_check, name, lambda *arguments: None)
    lamp_check.check_lamps([Image()], [list_lines("ARGON", BAND)], BAND, 1, None)


@pytest.mark.parametrize("shares", [{"ARGON": 0.96, "XENON": 0.97}, {"ARGON": 0.43, "XENON": 0.12}])
def test_a_lamp_with_light_between_its_lines_passes(monkeypatch, shares):
    """Krypton in HN3 shows 0.43: its bright line is at the filter's edge, weak ones as bright as unlisted ones."""
    check(monkeypatch, shares)


@pytest.mark.parametrize(
    ("shares", "lacking"),
    [({"ARGON": 0.12, "XENON": 0.95}, False), ({"ARGON": 0.43, "XENON": 0.5}, False), ({"ARGON": 0.15}, False),
     ({"ARGON": 0.96}, True)],
)  # fmt: skip
def test_another_lamp_is_refused_in_one_line(monkeypatch, shares, lacking):
    with pytest.raises(InputError, match=r"arc\.fits: CALLAMP='ARGON': the lines of this lamp are not those"):
        check(monkeypatch, shares, lacking)


def test_strange_light_is_no_second_lamp_unless_that_lamp_holds_it(build):
    """A fifth of the light is of a line that no list has; two of krypton shine, a sixth of what is strange."""
    built = build()
    unlisted = build(lines={"ARGON": built.lines["ARGON"] | {2175.0: 300.0}})
    krypton = built.draw("KRYPTON")
    measured = measure_arcs([unlisted.take("ARGON", extra=krypton / 10)], built.mode, {})
    assert measured.agreed.sum() > 200
    with pytest.raises(InputError, match="lines of KRYPTON are seen too"):
        measure_arcs([unlisted.take("ARGON", extra=krypton)], built.mode, {})
