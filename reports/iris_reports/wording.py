"""Numbers, units and verdicts as words.

Figures are rounded to two significant digits of their interval, so that no page shows digits that
nobody measured. Not modelled: locale; decimal points are points everywhere.
"""

from __future__ import annotations

import math
import re

from iris_contract.scorecard import VERDICTS, ScoreRow

__all__ = [
    "VERDICT_MEANINGS",
    "capitalize",
    "count_verdicts",
    "describe_range",
    "describe_value",
    "format_number",
    "format_power",
    "format_unit",
    "humanize",
    "join_words",
    "make_slug",
    "parse_number",
    "pluralize",
    "print_powers",
    "summarize_counts",
    "word_setting",
]

VERDICT_MEANINGS: dict[str, str] = {
    "PASS": "the whole interval lies inside the limits",
    "FAIL": "the whole interval lies outside the limits",
    "INCONCLUSIVE": "the interval straddles a limit, or there are too few nights for one",
    "NOT_MEASURED": "required by the scenario, but there is no measurement",
    "NOT_APPLICABLE": "does not apply here, for the reason given",
    "ERROR": "the algorithm or its measurement broke down",
}

_VERBS = {
    "PASS": ("passes", "pass"),
    "FAIL": ("fails", "fail"),
    "INCONCLUSIVE": ("is inconclusive", "are inconclusive"),
    "NOT_MEASURED": ("is not measured", "are not measured"),
    "NOT_APPLICABLE": ("does not apply", "do not apply"),
    "ERROR": ("ended in an error", "ended in an error"),
}
_ABBREVIATIONS = {
    "crb": "CRB",
    "cds": "CDS",
    "mcds": "MCDS",
    "ols": "OLS",
    "gls": "GLS",
    "rms": "rms",
    "dq": "DQ",
    "chi2": "χ²",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = {
    "1": "",
    "electron": "e⁻",
    "electron/s": "e⁻/s",
    "electron/DN": "e⁻/DN",
    "e-": "e⁻",
    "sigma": "σ",
    "1/pixel": "per pixel",
    "1/(cm2 min)": "per cm² and minute",
    "pixel": "pixels",
}


def format_unit(unit: str) -> str:
    """Return a unit as printed; the empty string for a pure number."""
    return _UNITS.get(unit, unit.replace("e-", "e⁻"))


def humanize(name: str) -> str:
    """Return an identifier as words: `pull_width` becomes `pull width`, `gls` becomes `GLS`."""
    return " ".join(_ABBREVIATIONS.get(word, word) for word in re.split(r"[_\s]+|\.(?!\d)", name) if word)


def make_slug(*names: str) -> str:
    """Return a file name stem of lower-case letters, digits and hyphens made of `names`."""
    return "-".join(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x" for name in names)


def capitalize(text: str) -> str:
    """Return `text` with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def pluralize(count: int, noun: str) -> str:
    """Return `1 night`, `8 nights`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join_words(words: list[str]) -> str:
    """Return `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def format_number(value: float | None, scale: float | None = None) -> str:
    """Return `value` to two significant digits of `scale` (an interval's half-width), else to four digits."""
    if value is None:
        return "none"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("infinite" if value > 0 else "minus infinity")
    if scale is None or not 0 < scale < math.inf:
        return _sign(f"{value:.4g}")
    decimals = max(0, 1 - math.floor(math.log10(scale)))
    if decimals > 9 or abs(value) >= 1e7:
        return _sign(f"{value:.4g}")
    text = f"{value:.{min(decimals, 9)}f}"
    return _sign(text.lstrip("-") if float(text) == 0 else text)


def _sign(text: str) -> str:
    """A number with a true minus sign and a power of ten as `1.9×10⁻⁵`."""
    mantissa, _, exponent = text.partition("e")
    power = f"×10{str(int(exponent)).translate(_SUPERSCRIPTS)}" if exponent else ""
    return mantissa.replace("-", "−") + power


def format_power(power: int) -> str:
    """Return a whole number in raised digits: `⁻⁴`."""
    return str(power).translate(_SUPERSCRIPTS)


def print_powers(text: str) -> str:
    """Return text with `10^4` and `1.3e-4` as raised powers of ten, e-/s as e⁻/s, and true minus and plus-minus."""
    text = re.sub(r"(\d)e([-+]?\d+)\b", lambda m: f"{m[1]}×10^{int(m[2])}", text)
    text = re.sub(r"(?<![\w.^])-(?=\d)", "−", text.replace("+-", "±"))
    text = re.sub(r"\be-(?=[/\s,;.)]|$)", "e⁻", text)
    return re.sub(r"\^([-−]?\d+)\b(?!\.\d)", lambda m: m[1].replace("−", "-").translate(_SUPERSCRIPTS), text)


def describe_range(low: float | None, high: float | None, unit: str = "") -> str:
    """Return limits in words: `at most 1.02`, `0.97 to 1.03`, or `none`."""
    tail = f" {format_unit(unit)}".rstrip()
    if low is None and high is None:
        return "none"
    if low is None:
        return f"at most {format_number(high)}{tail}"
    if high is None:
        return f"at least {format_number(low)}{tail}"
    if low == -high:
        return f"within ±{format_number(high)}{tail}"
    return f"{format_number(low)} to {format_number(high)}{tail}"


def describe_value(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """Return a figure with its interval: `1.0012 (1.0003 to 1.0021)`; `not measured` where there is none.

    Tiny figures share a power of ten: `1.35 (1.13 to 1.60) ×10⁻⁴`.
    """
    tail = f" {format_unit(unit)}".rstrip()
    if value is None:
        return "not measured"
    if low is None or high is None:
        return f"{format_number(value)}{tail} (no interval)"
    size = max(abs(value), abs(low), abs(high))
    if 1e-300 < size < 1e-3:
        exponent = math.floor(math.log10(size))
        value, low, high = (x / 10.0**exponent for x in (value, low, high))
        tail = f" ×10{str(exponent).translate(_SUPERSCRIPTS)}{tail}"
    scale = (high - low) / 2 if math.isfinite(high - low) else None
    return f"{format_number(value, scale)} ({format_number(low, scale)} to {format_number(high, scale)}){tail}"


def count_verdicts(rows: list[ScoreRow]) -> dict[str, int]:
    """Return how many rows have each verdict, in the order of the contract, zeros included."""
    return {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}


def summarize_counts(counts: dict[str, int]) -> str:
    """Return `31 of 40 judgements pass, 5 fail and 4 are inconclusive`."""
    total = sum(counts.values())
    if not total:
        return "nothing was judged"
    if max(counts.values()) == total:
        verdict = next(word for word, count in counts.items() if count)
        one, many = _VERBS[verdict]
        return {1: f"the one judgement {one}", 2: f"both judgements {many}"}.get(
            total, f"all {total} judgements {many}"
        )
    parts = [f"{count} {_VERBS[word][count > 1]}" for word, count in counts.items() if count and word != "PASS"]
    passed = counts["PASS"]
    head = f"{passed or 'none'} of {total} judgements {_VERBS['PASS'][passed != 1]}"
    return join_words([head, *parts])


def parse_number(value: object) -> float | None:
    """Return a JSON number, or one of the words NaN and Infinity, as a float; None for anything else."""
    words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    if isinstance(value, str):
        return words.get(value)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def word_setting(setting: str) -> str:
    """Return a setting as it stands in a sentence: `in the chain`, `alone`."""
    return {"chain": "in the chain"}.get(setting, setting)
