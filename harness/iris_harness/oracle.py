"""Oracle references: the as-built truth in ordinary reference layout, for the *alone* setting.

They go through the same delivery into a cache of their own, so the reduction cannot tell them from
measured ones. Their errors are zero because truth has none.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from iris_contract.dq import DQ
from iris_contract.exposure import READ_MODES
from iris_contract.frames import AsBuiltMaps, Reference, read_region
from iris_contract.instrument import load_instrument
from iris_harness.oracle_flaws import Entry, describe_flaws

__all__ = ["write_oracle_references"]


def write_oracle_references(as_built: Path, out: Path, start: datetime, filters: list[str]) -> list[Path]:
    """Write gain, readnoise, mask, dark, flat and what `oracle_flaws` knows from `as_built`; return their paths.

    `start` is the date from which they hold; one flat is written per filter and one dark and read
    noise per read mode, since those are their match keys.
    """
    maps = AsBuiltMaps.read(as_built)
    region = read_region(maps.header, as_built)
    detector = load_instrument().detector(str(maps.header["DETECTOR"]))
    mask = maps.bad.copy()
    mask[region.reference_pixels(detector)] |= DQ["REFERENCE_PIXEL"]
    zero, no_flags = np.zeros_like(maps.gain), np.zeros_like(mask)
    dark = maps.dark if maps.dark_shown is None else maps.dark_shown  # what frames of coupled pixels hold of it
    flat = maps.flat / np.median(maps.flat[mask == 0])  # the layout of a flat: median 1 where it is good
    noise = np.sqrt(maps.read_noise**2 + maps.gain**2 / 12).astype(np.float32)  # a read is also rounded

    def planes(data: Any) -> dict[str, Any]:
        return {"DATA": data, "ERR": zero, "DQ": no_flags}

    wanted: list[Entry] = [
        ("gain", planes(maps.gain), {}),
        ("mask", {"DQ": mask}, {}),
        *(("readnoise", planes(noise), {"READMODE": mode}) for mode in READ_MODES),
        *(("dark", planes(dark), {"READMODE": mode}) for mode in READ_MODES),
        *(("flat", planes(flat), {"FILTER": name}) for name in filters),
        *describe_flaws(maps, detector, region),
    ]
    paths = []
    for kind, content, keys in wanted:
        named = [value for value in keys.values() if isinstance(value, str)]
        path = out / f"oracle_{'_'.join([kind, *named]).lower()}.fits"
        header = _make_header(maps, kind, start) | keys
        Reference(header, content).write(path)
        paths.append(path)
    return paths


def _make_header(maps: AsBuiltMaps, kind: str, start: datetime) -> dict[str, object]:
    kept = {k: maps.header[k] for k in ("DETECTOR", "SUBARRAY", "XSTART", "YSTART", "XSIZE", "YSIZE")}
    return kept | {
        "TELESCOP": "TMT",
        "INSTRUME": "IRIS",
        "INSTERA": "DESIGN",
        "REFTYPE": kind,
        "DATE-OBS": f"{start:%Y-%m-%d}",
        "TIME-OBS": f"{start:%H:%M:%S}",
        "USEAFTER": f"{start:%Y-%m-%dT%H:%M:%S}",
        "PEDIGREE": "SIMULATION",
        "AUTHOR": "iris-testbed",
        "DESCRIP": f"{kind} known from truth",
    }
