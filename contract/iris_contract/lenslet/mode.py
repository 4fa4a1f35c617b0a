"""What a header says of the lenslet spectrograph: scale, mask, grating, filter.

The filter is in the imager's wheel, through which the spectrograph looks; the names of filters in series are joined
by +, in calculations only: a header has one. Not modelled: the calibration mask between two columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument
from iris_contract.lenslet.grating import load_grating_setting
from iris_contract.lenslet.lattice import SINGLE_COLUMN, load_lattice
from iris_contract.lenslet.passband import load_passband

__all__ = ["LensletMode"]


@dataclass(frozen=True, slots=True)
class LensletMode:
    """A setting of the spectrograph; `scale` in mas; FINE_MASK_CALIBRATION lights `column` of FINE_MASK, from 0."""

    scale: float
    mask: str
    grating: str
    filter: str
    column: int | None = None

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Self:
        """Return the mode of a raw frame, product or reference; raises InputError where the header states none."""
        for key in ("SCALE", "LLMSKST", "GRATING", "FILTER"):
            if key not in header:
                raise InputError("keyword is missing", key=key, value=None)
        scale, mask = header["SCALE"], str(header["LLMSKST"])
        if not isinstance(scale, (int, float)):
            raise InputError("must be a number of arcsec", key="SCALE", value=scale)
        scales = load_instrument().values["ifs.lenslet_scales"]
        if round(1000 * scale, 6) not in scales:
            raise InputError(f"choose {', '.join(f'{s / 1000:g}' for s in scales)} arcsec", key="SCALE", value=scale)
        if "+" in str(header["FILTER"]):
            raise InputError("a header has one filter, not a series", key="FILTER", value=header["FILTER"])
        column = header.get("LLMSKCOL") if mask == SINGLE_COLUMN else None
        if isinstance(column, bool) or not isinstance(column, int | None):
            raise InputError("must be an integer", key="LLMSKCOL", value=column)
        mode = cls(round(1000 * scale, 6), mask, str(header["GRATING"]), str(header["FILTER"]), column)
        mode.check()
        return mode

    def to_header(self) -> dict[str, Any]:
        """Return the cards from which `from_header` makes this mode; SCALE in arcsec."""
        cards: dict[str, Any] = {
            "SCALE": round(self.scale / 1000, 9),
            "LLMSKST": self.mask,
            "GRATING": self.grating,
            "FILTER": self.filter,
        }
        return cards if self.column is None else cards | {"LLMSKCOL": self.column}

    def check(self) -> None:
        """Raise InputError unless the instrument has this scale, mask, column, grating and filter (or is dark)."""
        scales = load_instrument().values["ifs.lenslet_scales"]
        if self.scale not in scales:
            raise InputError(f"choose {', '.join(map(str, scales))} mas", key="SCALE", value=self.scale)
        load_lattice(self.mask, self.column)
        load_grating_setting(self.grating)
        load_passband(self.filter)
