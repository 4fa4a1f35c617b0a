"""Traces are the exact map, quicker."""

import numpy as np

from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.traces import FIRST, LAST, evaluate, trace_spectra


def test_agree_with_the_exact_map(few: SpectrographAsBuilt) -> None:
    traces = trace_spectra(few)
    for x in np.linspace(FIRST, LAST, 23):
        wave = few.wavelength_at(slice(None), x)
        exact = few.place(slice(None), wave)[1]
        for n in range(len(few)):
            assert abs(evaluate(traces.wavelength[n], x) - wave[n]) < 1e-9
            assert abs(evaluate(traces.row[n], x) - exact[n]) < 1e-8
