"""Where the telescope points: a new target every hour, followed by the turning sky.

Targets pass within 25 degrees of the zenith, but never through it. Mean sidereal time after Meeus,
Astronomical Algorithms, ch. 12; airmass after Young & Irvine 1967 (AJ 72, 945). Angles are those at
the middle of the exposure. Not modelled: precession, nutation, refraction, pointing errors.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from iris_contract import load_instrument
from iris_simulator.seeds import make_generator

__all__ = ["julian_date", "point_telescope", "wrap"]

_SLOT = 3600.0  # s on one target


def wrap(angle: float) -> float:
    """Return an angle in degrees brought into -180..180."""
    return float((angle + 180) % 360 - 180)


def julian_date(moment: datetime) -> float:
    """Return the Julian date (UTC) of `moment`; without a time zone it counts as UTC."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return 2440587.5 + moment.timestamp() / 86400


def _sidereal_time(moment: datetime) -> float:
    """Local mean sidereal time in degrees."""
    greenwich = 280.46061837 + 360.98564736629 * (julian_date(moment) - 2451545.0)
    return float((greenwich + load_instrument().values["telescope.site_longitude"]) % 360)


def _locate(hour_angle: float, declination: float) -> tuple[float, float, float]:
    """Azimuth (north through east), elevation and parallactic angle in degrees."""
    h, d = np.radians([hour_angle, declination])
    p = np.radians(load_instrument().values["telescope.site_latitude"])
    elevation = np.arcsin(np.sin(p) * np.sin(d) + np.cos(p) * np.cos(d) * np.cos(h))
    azimuth = np.arctan2(-np.sin(h) * np.cos(d), np.sin(d) * np.cos(p) - np.cos(d) * np.cos(h) * np.sin(p))
    parallactic = np.arctan2(np.sin(h), np.tan(p) * np.cos(d) - np.sin(d) * np.cos(h))
    return float(np.degrees(azimuth) % 360), float(np.degrees(elevation)), float(np.degrees(parallactic))


def point_telescope(
    start: datetime, middle: datetime, *, seed: int, night: int, on_sky: bool
) -> dict[str, float | str]:
    """Return the pointing cards of an exposure that begins at `start`, as of its `middle`."""
    slot = int((julian_date(start) - 2440587.5) * 86400 // _SLOT)
    reference = datetime.fromtimestamp(slot * _SLOT, UTC) + timedelta(seconds=_SLOT / 2)
    generator = make_generator("pointing", seed, night, slot)
    transit_distance = generator.uniform(12, 25) * generator.choice((-1, 1))
    declination = load_instrument().values["telescope.site_latitude"] + transit_distance
    hour_angle = generator.uniform(-5, 5)
    _, elevation, parallactic = _locate(hour_angle, declination)
    position_angle = wrap(generator.uniform(-60, 60) + parallactic + elevation)
    right_ascension = (_sidereal_time(reference) - hour_angle) % 360

    sidereal = _sidereal_time(middle)
    hour_angle = wrap(sidereal - right_ascension)
    azimuth, elevation, parallactic = _locate(hour_angle, declination)
    secant = 1 / np.sin(np.radians(elevation))
    return {
        "RA": right_ascension,
        "DEC": declination,
        "EQUINOX": 2000.0,
        "LST": sidereal,
        "HA": hour_angle,
        "AZ": azimuth,
        "EL": elevation,
        "ZA": 90 - elevation,
        "AIRMASS": float(secant * (1 - 0.0012 * (secant**2 - 1))),
        "PARANG": parallactic,
        "PA": position_angle,
        "INROTANG": wrap(position_angle - parallactic - elevation),
        "PROTANG": wrap(position_angle - parallactic),
        "PNTGST": "TRACKING" if on_sky else "INPOSITION",
    }
