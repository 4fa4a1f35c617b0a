"""The condition of a score row as a place on an axis.

A condition is short text: `rate=0.02`, `significance=3-4.5`, `output=3`, `aperture=4x4 rate=2`, `HOT`, `all`. Where it
names an axis and a number or a range, it has a place there and can be part of a curve; what else it names tells curves
apart. A threshold (`significance>7`) pools a part of the axis and has none; words have none either, nor has a setting
of the spectrograph (`filter=KN3 grating=4000-K scale=4 mask=FINE_MASK`), whose numbers are names.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from iris_contract.instrument import DETECTORS
from iris_contract.scorecard import ScoreRow
from iris_reports.wording import capitalize, format_number, format_unit

__all__ = ["Condition", "parse_condition", "sort_key"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PART = re.compile(
    rf"^\s*(?P<axis>[A-Za-z][A-Za-z _]*?)\s*[=: ]\s*(?P<low>{_NUMBER})"
    rf"(?:\s*(?:-|\.\.|to)\s*(?P<high>{_NUMBER}|inf))?\s*(?P<unit>(?!x\d)[^\d\s].*)?$"
)
_NEXT = re.compile(r"[,;]|\s+(?=[A-Za-z]\w*=)")  # another name and value begin
_NAMED = ("filter", "grating", "scale", "mask", "column")  # a setting of the spectrograph
OPEN_END = 1.5  # a range without an upper end is drawn at 1.5 times its lower one
_NAMES = {
    "rate": "scene rate",
    "significance": "size of the hit, in sigma of one read difference",
    "role": "exposure",
    "class": "class of defect",
    "output": "detector output",
    "level": "charge",
    "electrons": "charge, in electrons",
    "link": "link to a neighbour",
}
_UNITS = {"rate": "e-/s", "amplitude": "e-", "level": "e-"}


@dataclass(frozen=True, slots=True)
class Condition:
    """`axis` in `unit`, from `low` to `high` (None: one number), and the `rest`; `low` is None for words."""

    text: str
    axis: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    rest: str = ""

    @property
    def place(self) -> float | None:
        """Place on the axis: the number, or the geometric middle of a range; None for words."""
        if self.low is None or self.high is None:
            return self.low
        if math.isinf(self.high):
            return self.low * OPEN_END
        return math.sqrt(self.low * self.high) if self.low > 0 else (self.low + self.high) / 2

    @property
    def axis_label(self) -> str:
        """Axis with its unit, for a plot."""
        name = capitalize(_NAMES.get(self.axis, self.axis)) or "Condition"
        return f"{name} ({format_unit(self.unit)})" if self.unit else name

    @property
    def words(self) -> str:
        """The condition as printed: `0.02 e⁻/s`, `significance 3 to 4.5`, `all`."""
        if self.low is None:
            values = re.sub(r"(^|\s)\w+=", r"\1", self.text)  # of several words, what they are: `KN3 4000-K 4`
            return re.sub(r"\s*([<>])\s*", r" \1 ", values).replace("_", " ")
        number = format_number(self.low)
        if self.high is not None:
            end = "any" if math.isinf(self.high) else format_number(self.high)
            number = f"above {number}" if end == "any" else f"{number} to {end}"
        tail = f" {format_unit(self.unit)}" if self.unit else ""
        return ", ".join(part for part in (f"{self.axis} {number}{tail}", self.others) if part)

    @property
    def others(self) -> str:
        """The rest as printed: `aperture 4 × 4`."""
        return re.sub(r"(?<=\d)x(?=\d)", " × ", self.rest.replace("=", " ").replace("_", " "))


def parse_condition(text: str) -> Condition:
    """Return the condition as axis and place; a range stands at its middle."""
    parts = [part for part in _NEXT.split(text) if part.strip()]
    for number, part in enumerate(parts):
        match = _PART.match(part)
        if match and match["axis"].strip() not in _NAMED:
            axis = match["axis"].replace("_", " ").strip()
            unit = (match["unit"] or _UNITS.get(axis, "")).strip()
            high = float(match["high"]) if match["high"] else None
            rest = ", ".join(p.strip() for i, p in enumerate(parts) if i != number)
            return Condition(text, axis, unit, float(match["low"]), high, rest)
    axis, equals, more = text.partition("=")
    return Condition(text, axis.strip() if equals and "=" not in more else "")


def sort_key(row: ScoreRow) -> tuple[str, str, str, str, int, str, float, str]:
    """Order rows by family, metric, algorithm, setting, detector and place on the axis."""
    condition = parse_condition(row.condition)
    place = condition.place if condition.place is not None else math.inf
    number = DETECTORS.index(row.detector) if row.detector in DETECTORS else -1
    return row.family, row.metric, row.algorithm, row.setting, number, condition.rest, place, row.condition
