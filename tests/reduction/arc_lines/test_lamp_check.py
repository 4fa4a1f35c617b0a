"""Which shares of light let an exposure pass as that of its lamp; with real frames in the pipeline's tests."""

from dataclasses import dataclass

import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import load_passband
from iris_reduction.arc_lines import lamp_check
from iris_reduction.arc_lines.pattern import list_lines

BAND = load_passband("KN3")


@dataclass
class Image:
    name: str = "arc.fits"
    lamp: str = "ARGON"


def check(monkeypatch, shares, lacking=False):
    monkeypatch.setattr(lamp_check, "_explain", lambda image, lines, number, at: shares.get(lines.lamp, 0.0))
    monkeypatch.setattr(lamp_check, "_lacks_brightest", lambda *arguments: lacking)
    monkeypatch.setattr(lamp_check, "_refuse_second", lambda *arguments: None)
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
