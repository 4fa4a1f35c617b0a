"""The pointing group is consistent with itself, as astropy and spherical astronomy see it."""

from datetime import UTC, datetime, timedelta

import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import load_instrument
from iris_simulator.pointing import julian_date, point_telescope, wrap

MOMENTS = st.datetimes(datetime(2030, 1, 1), datetime(2045, 1, 1))
LATITUDE = np.radians(load_instrument().values["telescope.site_latitude"])


def point(start: datetime, minutes: float = 2.0, **values: int) -> dict[str, float]:
    settings = {"seed": 1, "night": 1} | values
    pointing = point_telescope(start, start + timedelta(minutes=minutes), on_sky=True, **settings)
    return {k: v for k, v in pointing.items() if not isinstance(v, str)}


@given(MOMENTS, st.floats(0.1, 60.0), st.integers(1, 20))
def test_angles_agree(start: datetime, minutes: float, night: int) -> None:
    p = point(start, minutes, night=night)
    assert abs(wrap(p["LST"] - p["RA"] - p["HA"])) < 1e-6
    assert p["ZA"] == 90 - p["EL"]
    assert 1 <= p["ZA"] <= 65
    secant = 1 / np.cos(np.radians(p["ZA"]))
    assert 1 <= p["AIRMASS"] <= secant
    assert abs(p["AIRMASS"] / secant - 1) < 0.01
    assert abs(wrap(p["PA"] - p["PARANG"] - p["EL"] - p["INROTANG"])) < 1e-6
    assert -135 <= p["INROTANG"] <= 135


@given(MOMENTS)
def test_horizontal_vector_is_the_rotated_equatorial_one(start: datetime) -> None:
    """Vectors, not the formulae of the module: rotate hour angle and declination by the co-latitude."""
    p = point(start)
    h, d, a, e = np.radians([p["HA"], p["DEC"], p["AZ"], p["EL"]])
    south, west, pole = np.cos(d) * np.cos(h), np.cos(d) * np.sin(h), np.sin(d)
    north = pole * np.cos(LATITUDE) - south * np.sin(LATITUDE)
    up = pole * np.sin(LATITUDE) + south * np.cos(LATITUDE)
    seen = [np.cos(e) * np.cos(a), -np.cos(e) * np.sin(a), np.sin(e)]
    np.testing.assert_allclose([north, west, up], seen, atol=1e-9)
    q = np.radians(p["PARANG"])
    np.testing.assert_allclose(np.sin(q) * np.cos(e), np.sin(h) * np.cos(LATITUDE), atol=1e-9)


def test_times_agree_with_astropy() -> None:
    """UT1 counts as UTC here, up to 0.9 s or 0.004 degrees off. The tables bundled with astropy reach 2020."""
    moment = datetime(2020, 6, 1, 7, 30, 15, 250000, tzinfo=UTC)
    with iers.conf.set_temp("auto_download", False):
        time = Time(moment)
        sidereal = time.sidereal_time("mean", -155.481 * u.deg)
    assert abs(julian_date(moment) - time.jd) < 1e-8
    assert abs(wrap(point(moment, 0.0)["LST"] - sidereal.deg)) < 0.004


def test_a_target_is_kept_for_its_hour_and_rises_or_sets() -> None:
    start = datetime(2035, 1, 10, 6, 5, tzinfo=UTC)
    first, second, later = point(start), point(start + timedelta(minutes=40)), point(start + timedelta(minutes=70))
    for name in ("RA", "DEC", "PA"):
        assert first[name] == second[name] != later[name]
    assert wrap(second["HA"] - first["HA"]) == np.float64(second["HA"] - first["HA"])
    assert abs(second["HA"] - first["HA"] - 40 / 60 * 15.041) < 0.01


def test_nights_and_seeds_differ() -> None:
    start = datetime(2035, 1, 10, 6, 5, tzinfo=UTC)
    assert len({point(start)["DEC"], point(start, night=2)["DEC"], point(start, seed=2)["DEC"]}) == 3


def test_a_moment_without_zone_is_utc() -> None:
    moment = datetime(2035, 1, 10, 6, 5)
    assert julian_date(moment) == julian_date(moment.replace(tzinfo=UTC))
