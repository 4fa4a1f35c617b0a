"""Maps as small palette PNG files: one map pixel per detector pixel, or per block of a large frame.

Truth and product share their limits; the residual's limits are symmetric and the same for every
algorithm shown; pulls go from -5 to 5. Bright frames are stretched by asinh. Grey is not a number.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from iris_contract.dq import DQ, PIXEL_CLASSES, has
from iris_reports.comparison import ClassComparison, Comparison
from iris_reports.wording import format_number, format_unit

__all__ = [
    "DIVERGING",
    "LARGEST",
    "SEQUENTIAL",
    "Map",
    "Scale",
    "draw_class_maps",
    "draw_light",
    "draw_maps",
    "draw_plane",
    "encode_ramp",
    "print_value",
    "residual_limit",
]

LARGEST = 512
PULL_LIMIT = 5.0
_NOTES = {
    "product": "Should look like the truth.",
    "residual": "Should be grain about zero without a pattern of its own, coarser where there is more light.",
    "pull": "Should be the same grain everywhere: one pixel in twenty beyond ±2, hardly any beyond ±4.",
    "outcome": "Should hold no colour but that of defects found in their class.",
}
RESIDUAL, PULL = "Residual: product − truth", "Pull: residual ÷ the product’s own sigma"
SEQUENTIAL, DIVERGING = "viridis", "blue-red"
_COLOURS = {
    SEQUENTIAL: "#440154 #48186a #472d7b #424086 #3b528b #33638d #2c728e #26828e #21918c #1fa088 #28ae80 #3fbc73 "
    "#5ec962 #84d44b #addc30 #d8e219 #fde725",
    DIVERGING: "#053061 #2166ac #4393c3 #92c5de #d1e5f0 #f7f7f7 #fddbc7 #f4a582 #d6604d #b2182b #67001f",
}
"""Stops of the colour scales: viridis (Smith & van der Walt, CC0) and RdBu reversed (Brewer, ColorBrewer 2.0)."""
_GREY = 255

Array = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scale:
    """A colour scale in words: both ends, the middle, and the name of its colours."""

    low: str
    middle: str
    high: str
    colours: str


@dataclass(frozen=True, slots=True)
class Map:
    """One picture: file stem, title, alternative text, PNG bytes and size, its scale or legend, what it should show."""

    name: str
    title: str
    alt: str
    png: bytes
    width: int
    height: int
    scale: Scale | None = None
    legend: tuple[tuple[str, str], ...] = ()
    note: str = ""


def _encode(index: Bytes, colours: Sequence[int]) -> bytes:
    """PNG of palette indices (ny, nx), first row at the bottom as astronomers have it."""
    picture = Picture.fromarray(np.ascontiguousarray(index[::-1]))
    picture.putpalette(list(colours), "RGB")
    stream = io.BytesIO()
    picture.save(stream, format="PNG", compress_level=6)
    return stream.getvalue()


def _palette(name: str) -> list[int]:
    stops = np.reshape(_rgb(_COLOURS[name].split()), (-1, 3))
    places = np.linspace(0, len(stops) - 1, 255)
    colours = [np.interp(places, np.arange(len(stops)), channel) for channel in stops.T]
    return [*np.rint(np.transpose(colours)).astype(int).ravel().tolist(), 128, 128, 128]


def encode_ramp(name: str) -> bytes:
    """Return the colour scale `name` as a PNG of 255 x 1 pixels."""
    return _encode(np.arange(255, dtype=np.uint8)[None, :], _palette(name))


def _shrink(values: Array) -> Array:
    """Block means of a frame that is larger than a picture should be."""
    step = max(1, -(-max(values.shape) // LARGEST))
    if step == 1:
        return values
    ny, nx = (size // step * step for size in values.shape)
    blocks: Array = values[:ny, :nx].reshape(ny // step, step, nx // step, step).mean(axis=(1, 3))
    return blocks


def _index(values: Array, low: float, high: float) -> Bytes:
    values = _shrink(values)
    with np.errstate(invalid="ignore"):
        scaled = np.clip((values - low) / (high - low), 0, 1) * 254
    return np.where(np.isfinite(values), np.rint(np.nan_to_num(scaled)), _GREY).astype(np.uint8)


def residual_limit(comparisons: Sequence[Comparison]) -> float:
    """Return the half-range for residual maps of several algorithms: the 99 % quantile of them all."""
    values = [np.abs(c.residual[c.good]) for c in comparisons if c.good.any()]
    finite = np.concatenate(values)[np.isfinite(np.concatenate(values))] if values else np.array([])
    return float(np.quantile(finite, 0.99)) or 1.0 if finite.size else 1.0


def _range(truth: Array, good: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Low, high and softening of the asinh stretch (0: linear), from good pixels of truth."""
    values = truth[good & np.isfinite(truth)]
    if not values.size:
        return 0.0, 1.0, 0.0
    low, middle, high = np.quantile(values, (0.002, 0.5, 0.998))
    if high <= low:
        pad = abs(float(high)) * 0.05 or 1.0
        return float(low) - pad, float(high) + pad, 0.0
    positive = low >= 0 and high > 20 * max(middle, 1e-12)
    stretched = positive or (low > 0 and high > 50 * low)
    return float(low), float(high), float(max(low, high / 2000)) if stretched else 0.0


def draw_maps(comparison: Comparison, limit: float) -> list[Map]:
    """Return truth, product, residual (within +-`limit`), and pull where the product states errors."""
    c, unit = comparison, format_unit(comparison.unit)
    soft, ends, scale = _choose_stretch(c.truth, c.good, unit)
    residual = Scale(print_value(-limit, unit), "0", print_value(limit, unit), DIVERGING)
    pull = Scale(print_value(-PULL_LIMIT, ""), "0", print_value(PULL_LIMIT, ""), DIVERGING)
    truth_title = f"Truth: {c.truth_name}"
    maps = [
        draw_plane("truth", truth_title, _stretch(c.truth, soft), ends, _describe(c.truth, c.good, unit), scale),
        draw_plane("product", "Product", _stretch(c.product, soft), ends, _describe(c.product, c.good, unit), scale),
        draw_plane("residual", RESIDUAL, c.residual, (-limit, limit), _describe(c.residual, c.good, unit), residual),
    ]
    if not (c.sigma > 0).any():
        return maps
    return [*maps, draw_plane("pull", PULL, c.pull, (-PULL_LIMIT, PULL_LIMIT), _describe(c.pull, c.good, ""), pull)]


def draw_light(name: str, title: str, light: Array, unit: str, note: str) -> Map:
    """Return a bright frame (ny, nx), stretched by asinh where its values differ much."""
    good = np.isfinite(light)
    soft, ends, scale = _choose_stretch(light, good, unit)
    return draw_plane(name, title, _stretch(light, soft), ends, _describe(light, good, unit), scale, note=note)


def _choose_stretch(values: Array, good: npt.NDArray[np.bool_], unit: str) -> tuple[float, tuple[float, float], Scale]:
    """Softening, the stretched ends, and the scale in words."""
    low, high, soft = _range(values, good)
    ends = float(_stretch(low, soft)), float(_stretch(high, soft))
    middle = print_value(float(np.sinh(sum(ends) / 2) * soft), unit) if soft else ""
    return soft, ends, Scale(print_value(low, unit), middle, print_value(high, unit), SEQUENTIAL)


def _stretch(values: npt.ArrayLike, soft: float) -> Array:
    """Asinh stretch with softening `soft`; as it is where that is zero."""
    x = np.asarray(values, dtype=np.float64)
    return np.arcsinh(x / soft) if soft else x


def print_value(value: float, unit: str) -> str:
    """Return a value to three digits, with its unit."""
    return f"{format_number(float(f'{value:.3g}'))} {format_unit(unit)}".rstrip()


def _describe(values: Array, good: npt.NDArray[np.bool_], unit: str) -> str:
    """Mean and scatter of good pixels in words."""
    finite = values[good & np.isfinite(values)]
    if not finite.size:
        return "no good pixel has a value"
    mean, scatter = print_value(float(finite.mean()), unit), print_value(float(finite.std()), unit)
    return f"good pixels: mean {mean}, standard deviation {scatter}"


def draw_plane(
    name: str,
    title: str,
    shown: Array,
    ends: tuple[float, float],
    words: str,
    scale: Scale,
    noun: str = "pixels",
    note: str = "",
) -> Map:
    """Return the picture of a plane (ny, nx), colours between `ends`; `words` say in numbers what it shows."""
    index = _index(shown, *ends)
    alt = f"{title}, {shown.shape[1]} by {shown.shape[0]} {noun}; {words}; colours from {scale.low} to {scale.high}."
    note = note or _NOTES.get(name, "")
    png = _encode(index, _palette(scale.colours))
    return Map(name, title, alt, png, index.shape[1], index.shape[0], scale, note=note)


_CLASSES = ("#f1f1ee", "#000000", "#d55e00", "#e69f00", "#0072b2", "#cc79a7")
_OUTCOMES = ("#f1f1ee", "#8fb8d8", "#d55e00", "#000000", "#cc79a7")
"""Told apart by the colour-blind (Okabe & Ito 2008); of outcomes the faults stand out."""
_OUTCOME_NAMES = ("no defect", "found, right class", "missed", "false alarm", "found, other class")


def _rgb(colours: Sequence[str]) -> list[int]:
    return [int(colour[i : i + 2], 16) for colour in colours for i in (1, 3, 5)]


def _classes(plane: npt.NDArray[np.uint32]) -> Bytes:
    index = np.zeros(plane.shape, dtype=np.uint8)
    for number, name in enumerate(PIXEL_CLASSES, 1):
        index[has(plane, name)] = number
    return index


def _grow(index: Bytes) -> Bytes:
    """Draw every marked pixel of a large frame as 3 x 3, so that single pixels can be seen."""
    if max(index.shape) < 200:
        return index
    grown = index.copy()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            grown = np.maximum(grown, np.roll(index, (dy, dx), (0, 1)))
    step = max(1, -(-max(index.shape) // LARGEST))
    return np.ascontiguousarray(grown[::step, ::step])


def draw_class_maps(comparison: ClassComparison) -> list[Map]:
    """Return true classes, found classes, and where they agree."""
    mask = np.uint32(sum(DQ[name] for name in PIXEL_CLASSES))
    truth, product = (np.where(comparison.light, plane & mask, 0) for plane in (comparison.truth, comparison.product))
    true, found = _classes(truth), _classes(product)
    outcome = np.select(
        [(true > 0) & (true == found), (true > 0) & (found == 0), (true == 0) & (found > 0), true != found],
        [1, 2, 3, 4],
        0,
    ).astype(np.uint8)
    names = ("good", *(name.replace("_", " ").lower() for name in PIXEL_CLASSES))
    return [
        _class_map("truth", "Truth: as-built classes", true, names, _CLASSES),
        _class_map("product", "Product: classes found", found, names, _CLASSES),
        _class_map("outcome", "Agreement", outcome, _OUTCOME_NAMES, _OUTCOMES),
    ]


def _class_map(name: str, title: str, index: Bytes, names: Sequence[str], colours: Sequence[str]) -> Map:
    counts = np.bincount(index.ravel(), minlength=len(names))
    numbers = "; ".join(f"{label}: {count} pixels" for label, count in zip(names, counts, strict=True))
    drawn, alt = _grow(index), f"{title}. {numbers}."
    legend = tuple(zip(names, colours, strict=True))
    png = _encode(drawn, _rgb(colours))
    return Map(name, title, alt, png, drawn.shape[1], drawn.shape[0], None, legend, _NOTES.get(name, ""))
