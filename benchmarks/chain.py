"""Raw file to level 2 image: time per Step and peak memory, every Step of the real detector on.

    python benchmarks/chain.py [--size 4096] [--reads 20] [--repeats 2] [--json] [--work FOLDER]

The exposure is the ladder of eight rates with every effect on, read out of the corner of IMG1. Its references
are truth itself: gain, read noise, mask, dark and flat as the harness makes oracle references of the as-built
maps, links as built, saturation levels of 48 000 DN, and linearity coefficients of one shape for all
pixels, times the as-built loss. They are good enough to be timed, and nothing is scored. Simulation
runs in a process of its own. Each repeat opens the raw file, runs mask, saturation (a level for each
pixel), reference_pixel (optimal), linearity, ramp_fit (gls, with jumps), dark, ipc and flat, and writes the level 2
image; the table shows the fastest repeat, wall clock and processor time of all threads. Files are
in the page cache, as those of a night are that has just been written. Peak memory is that of the
reducing process, with libraries.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

RATES = (0.02, 0.1, 0.5, 2.0, 10.0, 50.0, 200.0, 500.0)
START = datetime(2035, 1, 10, 6, tzinfo=UTC)
SEED, LEVEL, NORM = 20350110, 48000.0, 43000.0  # the seed; DN; DN
SHAPE = (0.0, 0.015, 0.03, 0.0, 0.006, 0.0, 0.003)  # signal to be given back at NORM, by power 1 to 7
KINDS = ("mask", "gain", "readnoise", "dark", "flat", "ipc", "linearity", "saturation")


def simulate(size: int, reads: int, work: Path) -> None:
    """Write a raw file and its references into `work`."""
    from iris_contract import Exposure, Readout, Subarray, load_instrument
    from iris_harness.oracle import write_oracle_references
    from iris_simulator import Ladder, build_as_built, observe, write_exposure

    detector, region = load_instrument().detector("IMG1"), Subarray(1, 1, size, size)
    as_built = build_as_built(detector, region, SEED)
    as_built.acting().write(work / "as_built.fits")
    write_oracle_references(work / "as_built.fits", work, START, ["H"])
    write_more_references(work)
    exposure = Exposure("benchmark", "SCI", "IMG1", region, Readout.up_the_ramp(reads, 9.0), START, 1, filter="H")
    write_exposure(*observe(Ladder(RATES), exposure, as_built, seed=SEED, night=1), work / "raw.fits", work / "t.fits")


def write_more_references(work: Path) -> None:
    """Write what oracle references lack: links, saturation levels and linearity coefficients."""
    from iris_contract import AsBuiltMaps, Reference

    maps = AsBuiltMaps.read(work / "as_built.fits")
    header = Reference.read(work / "oracle_gain.fits", "gain").header
    shape = maps.gain.shape
    flags = np.zeros(shape, np.uint32)
    loss = (np.ones(shape) if maps.loss is None else maps.loss / np.median(maps.loss)).astype(np.float32)
    coefficients = loss[:, :, None] * np.array(SHAPE, np.float32)
    links = np.zeros((*shape, 3), np.float32) if maps.links is None else maps.links
    wanted: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "ipc": ({}, {"DATA": links, "ERR": np.zeros_like(links)}),
        "saturation": ({}, {"DATA": np.full(shape, LEVEL, np.float32), "DQ": flags}),
        "linearity": (
            {"LINNORM": NORM, "LINFIT": "common_shape"},
            {"COEFFS": coefficients, "COEFFS_ERR": np.zeros_like(coefficients), "DQ": flags},
        ),
    }
    for kind, (cards, content) in wanted.items():
        model = f"{kind.capitalize()}Model"
        Reference({**header, **cards, "REFTYPE": kind, "DATAMODL": model}, content).write(work / f"oracle_{kind}.fits")


def find_reference(work: Path, kind: str) -> Path:
    """Return the reference of `kind`; darks and read noises are of a read mode, flats of a filter."""
    suffix = {"readnoise": "_utr", "dark": "_utr", "flat": "_h"}.get(kind, "")
    return work / f"oracle_{kind}{suffix}.fits"


def make_pipeline(work: Path) -> Any:
    """Return the pipeline `imager` with every Step on but persistence, which needs earlier exposures."""
    from iris_reduction.pipelines.imager import ImagerPipeline

    pipeline = ImagerPipeline()
    parameters: dict[str, dict[str, Any]] = {
        "reference_pixel": {"method": "optimal"},
        "linearity": {"skip": False, "skip_first": 1},
        "ramp_fit": {"coupled": True, "skip_first": 1},
        "ipc": {"skip": False},
    }
    for name in pipeline.step_defs:
        step = getattr(pipeline, name)
        for key, value in parameters.get(name, {}).items():
            setattr(step, key, value)
        for kind in KINDS:
            if hasattr(step, f"override_{kind}"):
                setattr(step, f"override_{kind}", str(find_reference(work, kind)))
    return pipeline


class Stopwatch:
    """Collects wall clock and processor time s of named stretches, in order."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[float, float]] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Time a stretch."""
        begin = time.perf_counter(), time.process_time()
        yield
        self.rows[name] = time.perf_counter() - begin[0], time.process_time() - begin[1]

    @property
    def total(self) -> tuple[float, float]:
        """Sums of both."""
        return sum(w for w, _ in self.rows.values()), sum(p for _, p in self.rows.values())


def reduce_once(work: Path) -> Stopwatch:
    """Reduce the raw file and write the level 2 image."""
    from iris_reduction.pipelines.level2 import promote

    watch, pipeline = Stopwatch(), make_pipeline(work)
    with watch.time("read"):
        model = pipeline.open_model(str(work / "raw.fits"))
    for name in pipeline.step_defs:
        if name != "persistence":
            with watch.time(name):
                model = getattr(pipeline, name).run(model)
    with watch.time("write"):
        promote(model).write(work / "level2.fits")
    return watch


def measure(work: Path, repeats: int) -> dict[str, Any]:
    """Return the figures of the fastest of `repeats`; what is compiled on the way counts for none."""
    import logging

    logging.getLogger("stpipe").setLevel(logging.WARNING)
    found = [reduce_once(work)]
    gc.collect()
    gc.freeze()  # as `iris_reduction.pipelines.run` does: stpipe collects garbage at every Step
    found += [reduce_once(work) for _ in range(repeats - 1)]
    best = min(found, key=lambda watch: watch.total[0])
    rows = [{"step": name, "wall": wall, "processor": processor} for name, (wall, processor) in best.rows.items()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform != "darwin" else 1e9)
    return {"steps": rows, "wall": best.total[0], "processor": best.total[1], "peak_memory_GB": peak}


def run_inside(options: argparse.Namespace, part: str, work: Path) -> str:
    """Run a part of the benchmark in a process of its own and return what it prints."""
    command = [sys.executable, __file__, "--inside", part, "--work", str(work)]
    command += ["--size", str(options.size), "--reads", str(options.reads), "--repeats", str(options.repeats)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(options: argparse.Namespace, work: Path) -> None:
    """Simulate unless `work` holds a raw file already, reduce, and print."""
    if not (work / "raw.fits").exists():
        run_inside(options, "simulate", work)
    result = json.loads(run_inside(options, "reduce", work))
    result |= {"size": options.size, "reads": options.reads, "raw_GB": (work / "raw.fits").stat().st_size / 1e9}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{options.size} x {options.size} x {options.reads} reads, {result['raw_GB']:.2f} GB raw")
    print(f"{'step':>16} {'wall s':>8} {'processor s':>12}")
    rows = [*result["steps"], {"step": "total", "wall": result["wall"], "processor": result["processor"]}]
    for row in rows:
        print(f"{row['step']:>16} {row['wall']:8.2f} {row['processor']:12.2f}")
    print(f"peak memory {result['peak_memory_GB']:.2f} GB")


def main() -> None:
    """Run the benchmark and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="pixels along each side")
    parser.add_argument("--reads", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--work", type=Path, help="folder to keep raw file and references in, and to find them again")
    parser.add_argument("--inside", choices=("simulate", "reduce"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside == "simulate":
        simulate(options.size, options.reads, options.work)
    elif options.inside == "reduce":
        print(json.dumps(measure(options.work, options.repeats)))
    elif options.work:
        options.work.mkdir(parents=True, exist_ok=True)
        run(options, options.work)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(options, Path(folder))


if __name__ == "__main__":
    main()
