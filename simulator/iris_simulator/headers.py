"""The header of a raw file: what the observatory would know, and nothing that only truth knows.

Every keyword that the contract requires of raw files, and those of its metadata groups that apply to
the imager or to the lenslet spectrograph. Values depend on the night and the exposure, never on scene or effects.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from iris_contract import Detector, Exposure, load_instrument
from iris_contract.fitsio import Header
from iris_simulator.conditions import describe_conditions
from iris_simulator.pointing import julian_date, point_telescope

__all__ = ["make_header"]

_ON_SKY = {"SCI", "SKY", "TEL", "PSF"}


def make_header(exposure: Exposure, detector: Detector, *, seed: int, night: int) -> Header:
    """Return the primary header of `exposure`; raises InputError for an unknown filter."""
    on_sky = exposure.image_type in _ON_SKY and exposure.filter != "dark"
    start, middle, end = _find_moments(exposure, detector)
    waves = _find_wavelengths(exposure.filter)
    pointing = point_telescope(start, middle, seed=seed, night=night, on_sky=on_sky)
    held = waves["WAVECEN"] or 1.65  # um: the corrector keeps the H band where there is no light
    conditions = describe_conditions(pointing, held, seed=seed, night=night, exposure=exposure.number, on_sky=on_sky)
    dates = {"EXPJDST": julian_date(start), "EXPJDMID": julian_date(middle), "EXPJDEND": julian_date(end)}
    cards = _describe_instrument(exposure) | waves | _describe_program(exposure, start) | dates
    cards |= _describe_readout(exposure, detector) | _describe_guiding(exposure)
    return cards | _round(pointing) | _round(conditions)


def _find_moments(exposure: Exposure, detector: Detector) -> tuple[datetime, datetime, datetime]:
    """Start, middle and end: each ramp takes a reset, and ends when its last read has been read out."""
    start = exposure.start if exposure.start.tzinfo else exposure.start.replace(tzinfo=UTC)
    frame = exposure.subarray.frame_time(detector, exposure.readout.clock)
    lasting = timedelta(seconds=exposure.readout.ramps * (exposure.readout.times[-1] + 2 * frame))
    return start.astimezone(UTC), start.astimezone(UTC) + lasting / 2, start.astimezone(UTC) + lasting


def _find_wavelengths(name: str) -> dict[str, float]:
    """Passband in um; 0 where the path is blocked, the detector's whole range where it is open."""
    instrument = load_instrument()
    if name == "dark":
        low = high = 0.0
    elif name == "through":
        low = min(f.cut_on for f in instrument.filters.values())
        high = float(instrument.values["detector.long_wavelength_cutoff"])
    else:
        low, high = instrument.filter(name).cut_on, instrument.filter(name).cut_off
    return {"WAVEMIN": low, "WAVEMAX": high, "WAVECEN": round((low + high) / 2, 6)}


def _describe_instrument(exposure: Exposure) -> Header:
    cards: Header = {
        "DATAMODL": "RampModel",
        "DATALVL": 0,
        "TELESCOP": "TMT",
        "INSTRUME": "IRIS",
        "INSTERA": "DESIGN",
        "DETECTOR": exposure.detector,
        "INSTMODE": exposure.instrument_mode,
        "IFSMODE": "NONE",
        "GRATING": "NONE",
        "LLMSKST": "NONE",
        "SLMSKST": "NONE",
        "FILTER": exposure.filter,
        "FILTDRFL": exposure.filter == "dark",
        "PUPIL": "CLEAR",
        "SCALE": load_instrument().values["imager.pixel_scale"] / 1000,
        "CALLAMP": exposure.lamp,
        "CALSHUT": exposure.shutter,
    }
    if exposure.lenslet is None:
        return cards
    resolution = load_instrument().gratings[exposure.lenslet.grating].resolution
    return cards | {"IFSMODE": "LENSLET", "SPECRES": resolution} | exposure.lenslet.to_header()


def _describe_program(exposure: Exposure, start: datetime) -> Header:
    semester, program, observation = exposure.program
    return {
        "SEMID": semester,
        "PROGNUM": program,
        "OBSNUM": observation,
        "OBS_ID": f"{semester}-{program}-{observation}",
        "IMTYPE": exposure.image_type,
        "EXPNUM": exposure.number,
        "DATE-OBS": f"{start:%Y-%m-%d}",
        "TIME-OBS": start.time().isoformat("milliseconds"),
    }


def _describe_readout(exposure: Exposure, detector: Detector) -> Header:
    readout, region = exposure.readout, exposure.subarray
    name = region.name(detector)
    return {
        "READMODE": readout.mode,
        "NGROUPS": readout.ramps,
        "NREADS": readout.reads,
        "READTIME": min(b - a for a, b in zip(readout.times, readout.times[1:], strict=False)),
        "RAMPTIME": readout.ramp_time,
        "EXPTIME": readout.ramps * readout.ramp_time,
        "CLOCK": readout.clock,
        "CHANNELS": detector.outputs,
        "SUBARRAY": name,
        "SUBARRID": 0 if name == "FULL" else 1,
        "SARRMODE": exposure.subarray_mode(detector),
        "XSTART": region.xstart,
        "YSTART": region.ystart,
        "XSIZE": region.xsize,
        "YSIZE": region.ysize,
    }


def _describe_guiding(exposure: Exposure) -> Header:
    """Where a guide window was reset and read on its own, and how often."""
    if exposure.guide_window is None:
        return {}
    area, interval = exposure.guide_window.area, exposure.guide_window.interval
    corner = {"ODGWXSTA": area.xstart, "ODGWYSTA": area.ystart, "ODGWXSIZ": area.xsize, "ODGWYSIZ": area.ysize}
    return corner | {"ODGWINTV": interval}


def _round(cards: dict[str, float | str]) -> Header:
    return {key: round(float(v), 7) if not isinstance(v, str) else v for key, v in cards.items()}
