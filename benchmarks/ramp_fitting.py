"""Speed and accuracy of every ramp fitter, beside the bandwidth floor and the peers that are installed.

    python benchmarks/ramp_fitting.py [--size 1024] [--pixels 300000] [--json]

Speed: N x N x 20 reads; each timing follows one of the floor, a parallel float32 sum over a cube of
that shape, and the ratio of the two is reported (median), so other load on the machine cancels in
part. From memory, as float32 and as uint16, and for `gls` also from a raw file in the page cache.
Peers fit a smaller cube in the same run, and are given with the ratio to the floor of that size.
Accuracy: 20 reads every 10 s, read noise 10 e-, 2 e-/DN, 1 % of the pixels with a jump of
50-5000 e- (log-uniform), scored on the pixels that were not hit: bias in units of the Cramer-Rao
bound, rms over bound, width of the pulls. Fitters that reject jumps are also scored on the hit
pixels: completeness, false alarms, and rms over the bound with the hit difference omitted.
Peers: stcal's LIKELY (with its jump rejection) and OLS_C, if stcal can be imported.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from astropy.io import fits

from iris_contract.dq import DQ, has
from iris_contract.fitsio import open_fits, read_data
from iris_reduction.ramp import RAMP_FITTERS

READS, STEP, NOISE, GAIN, HIT = 20, 10.0, 10.0, 2.0, 0.01
RATES = (0.02, 0.1, 0.5, 2.0, 10.0, 50.0, 200.0, 500.0)
TIMES = np.arange(READS)[None] * STEP
SINGLE_READ = float(np.sqrt(NOISE**2 + GAIN**2 / 12))  # what darks show: with quantisation
ROUNDS, PEER_PIXELS, PEER_SIZE = 9, 1 << 16, 512


@dataclass(frozen=True)
class Cube:
    """Reads uint16 (ny, nx, 1, READS), and which pixels were hit in which read (0 = not hit)."""

    reads: np.ndarray
    hit: np.ndarray

    def planes(self, dtype: type = np.float32) -> dict[str, np.ndarray]:
        """Return gain and read noise of every pixel."""
        plane = np.ones(self.hit.shape, dtype)
        return {"gain": plane * dtype(GAIN), "read_noise": plane * dtype(SINGLE_READ)}


def simulate(seed: int, rate: float, ny: int, nx: int) -> Cube:
    """Simulate ramps with photon arrivals between reads, reset noise, jumps and conversion."""
    rng = np.random.default_rng(seed)
    reads = np.empty((ny, nx, 1, READS), np.uint16)
    hit = np.where(rng.random((ny, nx)) < HIT, rng.integers(1, READS, (ny, nx)), 0)
    for y in range(ny):
        electrons = rng.poisson(rate * STEP, (nx, READS)).astype(float)
        electrons[:, 0] = 0
        struck = np.flatnonzero(hit[y])
        electrons[struck, hit[y, struck]] += np.exp(rng.uniform(np.log(50), np.log(5000), len(struck)))
        electrons = electrons.cumsum(axis=1) + rng.normal(0, NOISE, (nx, READS)) + rng.normal(0, 30, (nx, 1))
        reads[y, :, 0] = np.round(electrons / GAIN + 5000).clip(0, 65535)
    return Cube(reads, hit)


def bounds(rate: float) -> np.ndarray:
    """Return the Cramer-Rao bounds e-/s (READS,): with all differences, and with one omitted."""
    n = READS - 1
    covariance = np.diag(np.full(n, rate * STEP + 2 * SINGLE_READ**2))
    covariance -= SINGLE_READ**2 * (np.eye(n, k=1) + np.eye(n, k=-1))
    found = []
    for omitted in range(READS):
        kept = np.arange(n) != omitted - 1
        x = np.full(kept.sum(), STEP)
        found.append((x @ np.linalg.solve(covariance[np.ix_(kept, kept)], x)) ** -0.5)
    return np.array(found)


@numba.njit(parallel=True, fastmath=True)
def add_up(cube: np.ndarray) -> float:
    """Sum a cube: nothing can read it faster."""
    total = 0.0
    for i in numba.prange(len(cube)):
        row = cube[i].ravel()
        part = np.float32(0)
        for k in range(row.size):
            part += row[k]
        total += part
    return total


def clock(call: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def read_reads(path: Path) -> np.ndarray:
    """Return the reads of a raw file."""
    with open_fits(path) as hdus:
        return read_data(hdus["DATA"], path)


def measure_peers(size: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each peer at size x size x READS, without its jump detection where that is a step of its own."""
    cube = simulate(3, 2.0, size, size)
    real = cube.reads.astype(np.float32)
    for name, peer in load_peers().items():
        first = clock(lambda p=peer: p(simulate(2, 2.0, 8, 8)))
        floor = np.median([clock(lambda: add_up(real)) for _ in range(ROUNDS)])
        seconds = min(clock(lambda p=peer: p(cube)) for _ in range(2))
        row = {"fitter": name, "input": f"{size} x {size}", "seconds": seconds}
        yield row | {"floors": seconds / floor, "first_call": first}


def measure_speed(size: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each fitter and input type at size x size x READS, with the seconds of the first call."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _measure_speed(size, Path(folder) / "raw.fits")


def _measure_speed(size: int, path: Path) -> Iterator[dict[str, Any]]:
    cube = simulate(1, 2.0, size, size)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(cube.reads, name="DATA")]).writeto(path)
    real = cube.reads.astype(np.float32)
    add_up(real)
    planes, tiny = cube.planes(), simulate(2, 2.0, 8, 8)
    for name, fitter in RAMP_FITTERS.items():
        first = clock(lambda f=fitter: f(tiny.reads, TIMES, **tiny.planes()))
        cases = [("float32", real, 4.5), ("uint16", cube.reads, 4.5)]
        if name == "gls":
            cases.insert(0, ("float32, no jumps", real, np.inf))
        calls = {
            label: lambda f=fitter, r=reads, s=sigma: f(r, TIMES, **planes, jump_sigma=s)
            for label, reads, sigma in cases
        }
        if name == "gls":
            calls["raw file"] = lambda f=fitter: f(read_reads(path), TIMES, **planes)
        for label, call in calls.items():
            times = [(clock(lambda: add_up(real)), clock(call)) for _ in range(ROUNDS)]
            seconds, ratio = np.median([t for _, t in times]), np.median([t / floor for floor, t in times])
            yield {"fitter": name, "input": label, "seconds": seconds, "floors": ratio, "first_call": first}


def score(rate: float, cube: Cube, fit: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Score rates, errors and jump masks (ny, nx) of a fitter that saw `cube`."""
    estimate, error, found = fit
    clean, bound = cube.hit == 0, bounds(rate)
    off = estimate.astype(float) - rate
    row = {
        "rate": rate,
        "bias": off[clean].mean() / bound[0],
        "rms": np.sqrt(np.mean(off[clean] ** 2)) / bound[0],
        "pull": np.std(off[clean] / error[clean]),
        "pixels": int(clean.sum()),
    }
    if found.any():
        repaired = found & ~clean
        row |= {
            "completeness": found[~clean].mean(),
            "false_alarms": found[clean].mean(),
            "repaired_rms": np.sqrt(np.mean((off[repaired] / bound[cube.hit[repaired]]) ** 2)),
        }
    return row


def measure_accuracy(pixels: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each rate and fitter, the peers on the first PEER_PIXELS only."""
    peers = load_peers()
    for number, rate in enumerate(RATES):
        cube = simulate(10 + number, rate, -(-pixels // 512), 512)
        for name, fitter in RAMP_FITTERS.items():
            fit = fitter(cube.reads, TIMES, **cube.planes())
            yield {"fitter": name} | score(rate, cube, (fit.rate, fit.error, has(fit.dq, "JUMP_DET")))
        part = Cube(cube.reads[: PEER_PIXELS // 512], cube.hit[: PEER_PIXELS // 512])
        for name, peer in peers.items():
            start = time.perf_counter()
            row = {"fitter": name} | score(rate, part, peer(part))
            yield row | {"seconds_per_megapixel": (time.perf_counter() - start) / part.hit.size * 1e6}


def load_peers() -> dict[str, Callable[[Cube], tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Return the peers that can be imported, as functions of a cube."""
    try:
        from stcal.ramp_fitting.ramp_fit import ramp_fit_data
        from stcal.ramp_fitting.ramp_fit_class import RampData
    except ImportError:
        return {}

    def run(cube: Cube, algorithm: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fit electrons at unit gain; stcal wants CDS noise and planes of reads, and edits its arguments."""
        data = np.ascontiguousarray(np.moveaxis(cube.reads[:, :, 0] * np.float32(GAIN), -1, 0))[None]
        ramp = RampData()
        ramp.algorithm, ramp.rejection_threshold = algorithm, 4.5
        shape = cube.hit.shape
        ramp.set_arrays(data, np.zeros(data.shape, np.uint8), np.zeros(shape, np.uint32), np.zeros(shape, np.float32))
        ramp.set_meta("NIRCAM", STEP, STEP, 0, 1, 0)
        names = ("DO_NOT_USE", "SATURATED", "JUMP_DET", "PERSISTENCE", "UNRELIABLE_SLOPE")
        ramp.set_dqflags({n: DQ[n] for n in names} | {"NO_GAIN_VALUE": 1 << 19, "CHARGELOSS": 1 << 7})
        noise, gain = np.full(shape, np.sqrt(2) * SINGLE_READ, np.float32), np.ones(shape, np.float32)
        image, *_ = ramp_fit_data(ramp, False, noise, gain, algorithm, "optimal", "none")
        return image["slope"], image["err"], (image["dq"] & DQ["JUMP_DET"]) != 0

    return {f"stcal {a}": lambda cube, a=a: run(cube, a) for a in ("LIKELY", "OLS_C")}


def show(rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    """Print rows as a table; `columns` maps keys to formats."""
    print("  ".join(f"{name:>20}" for name in columns))
    for row in rows:
        cells = (format(row[name], form) if name in row else "" for name, form in columns.items())
        print("  ".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    """Measure, then print tables or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, help="pixels along each side of the timed cube")
    parser.add_argument("--pixels", type=int, default=300_000, help="pixels for each rate of the accuracy test")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    speed = [*measure_speed(options.size), *measure_peers(PEER_SIZE)]
    accuracy = list(measure_accuracy(options.pixels))
    peers = sorted(load_peers())
    if options.json:
        print(json.dumps({"speed": speed, "accuracy": accuracy, "peers": peers}, indent=2, default=float))
        return
    print(
        f"{options.size} x {options.size} x {READS}, {numba.get_num_threads()} threads; first_call with import and JIT"
    )
    show(speed, {"fitter": "", "input": "", "seconds": ".4f", "floors": ".1f", "first_call": ".2f"})
    print()
    figures = {"bias": "+.4f", "rms": ".4f", "pull": ".4f"}
    jumps = {"completeness": ".4f", "false_alarms": ".1e", "repaired_rms": ".3f", "seconds_per_megapixel": ".1f"}
    show(accuracy, {"fitter": "", "rate": "g", "pixels": "d"} | figures | jumps)
    print(f"\npeers: {', '.join(peers) if peers else 'none; stcal is not installed'}")


if __name__ == "__main__":
    main()
