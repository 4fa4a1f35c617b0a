"""Metadata groups are plausible, vary from night to night, and agree with the pointing."""

from datetime import UTC, datetime

import numpy as np
import pytest

from iris_simulator.conditions import describe_conditions
from iris_simulator.pointing import point_telescope, wrap

START = datetime(2035, 1, 10, 6, 5, tzinfo=UTC)


def describe(night: int = 1, exposure: int = 1, on_sky: bool = True) -> dict[str, float | str]:
    pointing = point_telescope(START, START, seed=1, night=night, on_sky=on_sky)
    cards = describe_conditions(pointing, 1.633, seed=1, night=night, exposure=exposure, on_sky=on_sky)
    return pointing | cards


@pytest.mark.parametrize(
    ("keyword", "low", "high"),
    [
        ("ENVTAIR", 265, 285),
        ("ENVPRES", 597, 613),
        ("ENVRH", 0.01, 0.6),
        ("ENVWIND", 1, 15),
        ("LGSR0", 0.06, 0.4),
        ("LGSTAU0", 0.002, 0.015),
        ("LGSTHT0", 600, 5000),
        ("AOENCPRE", 597, 613),
        ("ODGWIMS2", 0.7, 2),
        ("IMGDTEMP", 76.95, 77.05),
    ],
)
def test_values_lie_in_their_range_and_vary(keyword: str, low: float, high: float) -> None:
    values = [describe(night)[keyword] for night in range(1, 60)]
    assert low < min(values) <= max(values) < high
    assert len(set(values)) == 59


def test_weather_belongs_to_the_night() -> None:
    first, second = describe(1, 1), describe(1, 2)
    other = [describe(night) for night in range(2, 30)]
    assert 0 < abs(first["ENVTAIR"] - second["ENVTAIR"]) < 1.5
    assert np.std([cards["ENVTAIR"] for cards in other]) > 1


def test_prisms_turn_against_each_other() -> None:
    cards = describe()
    opening = wrap(cards["ADCPRISA"] - cards["PROTANG"])
    assert opening == pytest.approx(-wrap(cards["ADCPRISB"] - cards["PROTANG"]))
    assert np.cos(np.radians(opening)) == pytest.approx(np.tan(np.radians(cards["ZA"])) / np.tan(np.radians(65)))


def test_calibrations_run_with_the_loop_open() -> None:
    cards = describe(on_sky=False)
    assert (cards["AOLOOP"], cards["ADCFOLL"], cards["PNTGST"]) == ("OPEN", "NOT_FOLLOWING", "INPOSITION")
    assert "ODGWIMEL" not in cards
    assert (describe()["AOLOOP"], describe()["ADCFOLL"], describe()["PNTGST"]) == ("CLOSED", "FOLLOWING", "TRACKING")
