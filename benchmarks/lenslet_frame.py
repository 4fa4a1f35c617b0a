"""Time and memory of one noiseless frame of the lenslet spectrograph, stage by stage.

Each case runs in a process of its own. White light with the lines of argon, every effect of the optics on; the whole
4096 x 4096 frame, or its first rows. Stages: drawing the spectrograph, light through filter and lenslets, tables of
PSFlets, traces and places, cores, far light, and a second frame of the same mode, moved by flexure, which needs no
new tables. Processor time counts all threads. Compiling is left out: a tiny frame comes first. A deposit is one
channel of half a pixel, or one line, of one lenslet.

python benchmarks/lenslet_frame.py [--json] [--case wide] [--rows 4096]
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

CASES = {
    "narrow": (4.0, "FINE_MASK", "4000-K", "Kbb"),
    "wide": (4.0, "SERRATED_WIDE", "4000-K", "KN3"),
}
AIM = 10.0  # s of wall clock on two cores for a frame


def measure(case: str, rows: int) -> dict[str, Any]:
    """Return the figures of one case, in this process."""
    from iris_contract import Subarray
    from iris_contract.lenslet import LensletMode
    from iris_simulator.lenslet import OPTICAL_EFFECTS, ArcLamp, WhiteLamp, build_spectrograph, detect
    from iris_simulator.lenslet.far_light import add_resampled, stray_shares
    from iris_simulator.lenslet.layout import lay_out
    from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
    from iris_simulator.lenslet.psflet import build_psflets
    from iris_simulator.lenslet.render import render, render_cores, render_far_light
    from iris_simulator.lenslet.spectra import Light

    mode, times = LensletMode(*CASES[case]), {}

    def clock(name: str, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter(), time.process_time()
        result = call()
        times[name] = time.perf_counter() - begin[0], time.process_time() - begin[1]
        return result

    def shine(built: Any) -> Any:
        lines, white = ArcLamp("ARGON", 1000.0).illuminate(built), WhiteLamp(10.0).illuminate(built)
        light = Light(white.continuum, lines.line_wave, lines.line_flux, white.brightness, "lamp")
        return detect(light, built)

    tiny = build_spectrograph(mode, Subarray(2001, 2001, 64, 64), 1)
    render(tiny, shine(tiny), Subarray(2001, 2001, 64, 64))
    build_psflets.cache_clear()
    region = Subarray(1, 1, 4096, rows)
    built = clock("spectrograph", lambda: build_spectrograph(mode, None, 1))
    spectra = clock("light", lambda: shine(built))
    psflets = clock("tables", lambda: build_psflets(mode, ILLUMINATIONS["lamp"]))
    layout = clock("places", lambda: lay_out(built, spectra, (0.0, 0.0), OPTICAL_EFFECTS))
    share = 1 - sum(stray_shares(OPTICAL_EFFECTS))
    image = clock("cores", lambda: render_cores(layout, psflets, region, share))
    far = clock("far light", lambda: render_far_light(layout, psflets, built.train.centre, OPTICAL_EFFECTS))
    clock("to pixels", lambda: add_resampled(image, far, region))
    clock("next frame", lambda: render(built, spectra, region, (0.03, 0.02)))
    ends = layout.channels.ends
    deposits = int(np.maximum(ends[:, 1] - ends[:, 0] + 1, 0).sum()) + len(layout.lines.x)
    return {
        "case": case,
        "rows": rows,
        "spectra": len(built),
        "deposits": deposits,
        "wall_s": {name: wall for name, (wall, _) in times.items()},
        "processor_s": {name: processor for name, (_, processor) in times.items()},
        "core_ns_per_deposit": times["cores"][1] / deposits * 4096 / rows * 1e9,
        "peak_memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def run_apart(case: str, rows: int) -> dict[str, Any]:
    """Measure a case in a process of its own."""
    command = [sys.executable, __file__, "--inside", case, "--rows", str(rows)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def main() -> None:
    """Run the cases and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--case", action="append", choices=CASES, help="may be repeated")
    parser.add_argument("--rows", type=int, default=4096, help="rows of the frame, from the first on")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside, options.rows)))
        return
    rows = [run_apart(case, options.rows) for case in options.case or CASES]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(f"{row['case']}: {row['spectra']} spectra, {row['deposits'] / 1e6:.1f} M deposits, {row['rows']} rows")
        for name, wall in row["wall_s"].items():
            print(f"  {name:14} {wall:7.2f} s  {row['processor_s'][name]:7.2f} s of processor")
        print(f"  {row['core_ns_per_deposit']:.0f} ns of processor per deposit, {row['peak_memory_GB']:.2f} GB at most")


if __name__ == "__main__":
    main()
