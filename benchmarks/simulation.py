"""Speed and memory of the simulator, beside plain numpy doing the two costliest effects.

Each case runs in a process of its own: build the as-built maps, observe the ladder of eight rates
with every effect on and one bright exposure before, keep the best of a few repeats. Processor time
counts all threads and hardly depends on what else the machine does. The numpy peer draws scene photons
read by read and adds read noise, in one thread, at the same rates; it has no dark current, hits, wells, gain or truth.
`compile` is the first tiny exposure of a process with an empty numba cache, `cached` the same with a
filled one; both include drawing the as-built maps.

`observe_and_write` also writes the raw file and its truth through the normal writer to a temporary
folder. `--effects` adds what each effect costs: processor time with all effects less that with all but the one,
least of the repeats. `raw` is what is left with none. What effects share, such as the passage through a
pixel's neighbours, goes to none, so they need not add up.

    python benchmarks/simulation.py [--effects] [--json] [--case 512x512x20 ...] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

CASES = ("512x512x20", "2048x2048x20", "4096x4096x20")
RATES = (0.02, 0.1, 0.5, 2.0, 10.0, 50.0, 200.0, 500.0)


def best(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return the shortest wall-clock and the shortest processor time, of all threads, of `call` in s."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter(), time.process_time()
        call()
        times.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    return min(wall for wall, _ in times), min(processor for _, processor in times)


def measure(case: str, repeats: int, by_effect: bool) -> dict[str, Any]:
    """Return the figures of one case, in this process."""
    from iris_contract import Exposure, Readout, Subarray, load_instrument
    from iris_simulator import EFFECTS, Earlier, FlatLamp, Ladder, build_as_built, observe, write_exposure

    ny, nx, reads = map(int, case.split("x"))
    detector, scene = load_instrument().detector("IMG1"), Ladder(RATES)
    start = datetime(2035, 1, 10, 6, tzinfo=UTC)

    def take(region: Subarray, as_built: Any, count: int, effects: Iterable[str] = EFFECTS) -> tuple[Any, Any]:
        readout = Readout.up_the_ramp(count, 10.0)
        exposure = Exposure("benchmark", "SCI", "IMG1", region, readout, start, 1)
        past = replace(exposure, start=start - timedelta(seconds=600), number=2)
        history = [Earlier(FlatLamp(400.0), past)]
        return observe(scene, exposure, as_built, seed=1, night=1, history=history, effects=effects)

    tiny, region = Subarray(1, 1, 16, 16), Subarray(1, 1, nx, ny)
    first = best(lambda: take(tiny, build_as_built(detector, tiny, 1), 2), 1)
    built = best(lambda: build_as_built(detector, region, 1), 1)
    as_built = build_as_built(detector, region, 1)
    wall, processor = best(lambda: take(region, as_built, reads), repeats)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "raw.fits", Path(folder) / "truth.fits"
        written = best(lambda: write_exposure(*take(region, as_built, reads), *paths), repeats)[0]

    def cost(effects: Iterable[str]) -> float:
        return best(lambda: take(region, as_built, reads, effects), repeats)[1] / (ny * nx * reads) * 1e9

    costs: dict[str, float] = {}
    if by_effect:
        every = cost(EFFECTS)
        costs = {name: every - cost([e for e in EFFECTS if e != name]) for name in EFFECTS}
        costs["raw"] = cost(())
    part = scene.rate(detector, Subarray(1, 1, nx, min(ny, 512)))
    peer = best(lambda: simulate_with_numpy(part, reads), repeats)[1] / (part.size * reads)
    return {
        "case": case,
        "first_s": first[0],
        "as_built_s": built[0],
        "observe_s": wall,
        "observe_and_write_s": written,
        "mpix_reads_per_s": ny * nx * reads / wall / 1e6,
        "processor_ns_per_pix_read": processor / (ny * nx * reads) * 1e9,
        "numpy_ns_per_pix_read": peer * 1e9,
        "peak_memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "raw_GB": ny * nx * reads * 2 / 1e9,
        "ns_per_pix_read_by_effect": costs,
    }


def simulate_with_numpy(rate: np.ndarray, reads: int) -> np.ndarray:
    """Return raw reads uint16 (ny, nx, reads) with photon and read noise only."""
    generator = np.random.default_rng(1)
    charge = np.zeros(rate.shape)
    raw = np.empty((*rate.shape, reads), np.uint16)
    for read in range(reads):
        charge += generator.poisson(rate * 10.0)
        signal = (charge + 11 * generator.normal(size=rate.shape)) / 2 + 5000
        raw[..., read] = np.clip(np.rint(signal), 0, 65535)
    return raw


def run_apart(case: str, repeats: int, cache: str, by_effect: bool = False) -> dict[str, Any]:
    """Measure `case` in a new process whose numba cache is the folder `cache`."""
    command = [sys.executable, __file__, "--inside", case, "--repeats", str(repeats), *["--effects"][: int(by_effect)]]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def main() -> None:
    """Run the cases and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--case", action="append", help="NYxNXxREADS; may be repeated")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--effects", action="store_true", help="tell what each effect costs")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside, options.repeats, options.effects)))
        return
    with tempfile.TemporaryDirectory() as cache:
        compiling = run_apart("16x16x2", 1, cache)["first_s"]
        cached = run_apart("16x16x2", 1, cache)["first_s"]
        rows = [run_apart(case, options.repeats, cache, options.effects) for case in options.case or CASES]
    if options.json:
        print(json.dumps({"compile_s": compiling, "cached_s": cached, "cases": rows}, indent=2))
        return
    print(f"first exposure of a process: compile {compiling:.2f} s, cached {cached:.2f} s")
    names = ("as_built_s", "observe_s", "observe_and_write_s", "mpix_reads_per_s", "processor_ns_per_pix_read")
    names += ("numpy_ns_per_pix_read", "peak_memory_GB", "raw_GB")
    print("  ".join(["case".rjust(14), *names]))
    for row in rows:
        print("  ".join([row["case"].rjust(14), *(f"{row[name]:{len(name)}.2f}" for name in names)]))
    for row in rows:
        for name, cost in row["ns_per_pix_read_by_effect"].items():
            print(f"{row['case']:>14}  {name:20} {cost:6.2f} ns of processor time per pixel and read")


if __name__ == "__main__":
    main()
