"""Time of the wavelength solution of a whole frame, stage by stage, and of its peer: one fit of a Gaussian a line.

Each case runs in a process of its own: three arc lamps, 4096 x 4096 pixels, 60 s, with photon noise and 10 e- of read
noise on ideal rates, so level 1 of the arcs is not in it (`chain.py`). Stages: registering, finding and measuring all
lines of all lamps; each solver on the lines found. The peer is what one would write by hand: scipy's `curve_fit` of a
Gaussian with a constant to 7 x 7 pixels of each line from where it was found, timed on some lines. Its accuracy and
ours are both told: scatter of the columns against the true ones, 1.48 times the median departure from the median, and
the share that is off by more than 0.5 px. Processor time counts all threads.
Compiling is left out: 200 rows come first.

python benchmarks/wavelength.py [--json] [--case wide]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

CASES = {
    "narrow": (4.0, "FINE_MASK", "4000-K", "Kbb"),
    "wide": (9.0, "SERRATED_WIDE", "4000-K", "KN3"),
}
LAMPS = ("ARGON", "KRYPTON", "XENON")
RATE, SECONDS, READ_NOISE = 3000.0, 60.0, 10.0
PEER_LINES = 500
Double = npt.NDArray[np.float64]


def simulate(case: str, rows: int) -> tuple[Any, list[Any], Callable[..., Double]]:
    """Return mode, arc images of `rows` rows, all or from the middle on, and what tells true columns.

    The latter takes number of the image, of the spectrum, and wavelength in nm.
    """
    from iris_contract import Subarray, load_instrument
    from iris_contract.lenslet import LensletMode
    from iris_reduction.arc_lines.image import make_arc_image
    from iris_reduction.calibration.frame import RateFrame
    from iris_simulator.lenslet import ArcLamp, build_scene, build_spectrograph

    mode, region = LensletMode(*CASES[case]), Subarray(1, 1 if rows == 4096 else 2001, 4096, rows)
    built = build_spectrograph(mode, None if rows == 4096 else region, 1)
    generator, images, shifts = np.random.default_rng(1), [], []
    none = np.zeros(region.shape, np.uint32)
    noise = np.full(region.shape, READ_NOISE / SECONDS, np.float32)
    off = RateFrame(np.zeros(region.shape, np.float32), np.full(region.shape, 1e-3, np.float32), none)
    for number, lamp in enumerate(LAMPS):
        scene = build_scene(built, [ArcLamp(lamp, RATE)], night=1, exposure=number)
        shifts.append(scene.shift[0])
        ideal = np.asarray(scene.rate(load_instrument().detector("IFU"), region), np.float32)
        error = np.sqrt(np.maximum(ideal, 0) / np.float32(SECONDS) + noise**2)
        rate = ideal + error * generator.standard_normal(region.shape, np.float32)
        images.append(make_arc_image(f"{lamp}.fits", lamp, RateFrame(rate, error, none), off, region))
    return (
        mode,
        images,
        lambda image, spectrum, wavelength: built.place(spectrum, wavelength)[0] + np.array(shifts)[image],
    )


def fit_gaussians(images: list[Any], measured: Any, chosen: npt.NDArray[np.intp]) -> Double:
    """Return the columns (n,) that the peer finds; NaN where it fails."""

    def model(at: Double, height: float, x: float, y: float, width: float, level: float) -> Double:
        return height * np.exp(-((at[0] - x) ** 2 + (at[1] - y) ** 2) / (2 * width**2)) + level

    found = np.full(len(chosen), np.nan)
    offsets = np.mgrid[-3:4, -3:4].reshape(2, -1)
    for n, line in enumerate(chosen):
        image = images[measured.points.image[line]]
        x, y = measured.centroids.x[line] - image.corner[0], measured.centroids.y[line] - image.corner[1]
        rows, columns = offsets + np.rint([[y], [x]]).astype(int)
        try:
            values = image.rate[rows, columns].astype(float)
            start = (values.max(), np.rint(x), np.rint(y), 0.9, 0.0)
            found[n] = curve_fit(model, np.array([columns, rows], float), values, start)[0][1] + image.corner[0]
        except (RuntimeError, IndexError):
            continue
    return found


def measure(case: str) -> dict[str, Any]:
    """Return the figures of one case, in this process."""
    from iris_reduction.arc_lines.measurement import measure_arcs
    from iris_reduction.wavelength import WAVELENGTH_FAMILY

    times: dict[str, tuple[float, float]] = {}

    def clock(name: str, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter(), time.process_time()
        result = call()
        times[name] = time.perf_counter() - begin[0], time.process_time() - begin[1]
        return result

    mode, images, _ = simulate(case, 200)
    header = {"FILTER": mode.filter, "GRATING": mode.grating}
    solvers = {name: WAVELENGTH_FAMILY.find(name, "method") for name in ("physical", "legendre", "polynomial")}
    tiny = measure_arcs(images, mode, header)
    for solve in solvers.values():
        solve(tiny.list_used(), tiny.spectra)
    mode, images, tell_column = simulate(case, 4096)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    measured = clock("lines", lambda: measure_arcs(images, mode, header))
    lines = measured.list_used()
    for name, solve in solvers.items():
        clock(name, lambda solve=solve: solve(lines, measured.spectra))
    used = np.flatnonzero(measured.agreed)
    chosen = np.random.default_rng(2).choice(used, min(PEER_LINES, len(used)), replace=False)
    peer = clock("peer", lambda: fit_gaussians(images, measured, chosen))
    points = measured.points.take(chosen)
    true = tell_column(points.image, points.spectrum, points.wavelength)
    errors = {"ours": measured.centroids.x[chosen] - true, "peer": peer - true}
    scatter = {name: x - np.nanmedian(x) for name, x in errors.items()}
    return {
        "case": case,
        "spectra": len(measured.spectra.along),
        "lines": len(lines.x),
        "wall_s": {name: wall for name, (wall, _) in times.items()},
        "processor_s": {name: processor for name, (_, processor) in times.items()},
        "us_per_line": {"ours": times["lines"][1] / len(lines.x) * 1e6, "peer": times["peer"][1] / len(chosen) * 1e6},
        "scatter_px": {name: float(1.4826 * np.nanmedian(np.abs(x))) for name, x in scatter.items()},
        "share_off": {name: float(np.mean(~(np.abs(x) < 0.5))) for name, x in scatter.items()},
        "memory_before_GB": before / 2**20,
        "peak_memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def run_apart(case: str) -> dict[str, Any]:
    """Measure a case in a process of its own."""
    found = subprocess.run([sys.executable, __file__, "--inside", case], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def main() -> None:
    """Run the cases and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--case", action="append", choices=CASES, help="may be repeated")
    parser.add_argument("--inside", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside)))
        return
    rows = [run_apart(case) for case in options.case or CASES]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['case']}: {row['spectra']} spectra, {row['lines']} lines of {len(LAMPS)} lamps used")
        for name, wall in row["wall_s"].items():
            what = f"{name} ({PEER_LINES} lines)" if name == "peer" else name
            print(f"  {what:18} {wall:7.2f} s  {row['processor_s'][name]:7.2f} s of processor")
        for name in ("ours", "peer"):
            cost, scatter, off = (row[key][name] for key in ("us_per_line", "scatter_px", "share_off"))
            print(f"  {name}: {cost:.0f} us of processor per line, scatter {scatter:.4f} px, {off:.1%} off by 0.5 px")
        print(f"  {row['memory_before_GB']:.2f} GB with images, {row['peak_memory_GB']:.2f} GB at most")


if __name__ == "__main__":
    main()
