"""Tables of others' data: invariants, landmarks known from elsewhere, and that source and licence come along."""

from importlib import resources

import numpy as np
import pytest
from astropy.table import Table

from iris_contract.errors import InputError
from iris_contract.spectral_data import LAMPS, load_arc_lines, load_atmosphere, load_oh_lines, load_vega

SPECTRA = {
    **{lamp: lambda lamp=lamp: load_arc_lines(lamp) for lamp in LAMPS},
    "OH": load_oh_lines,
    "atmosphere": load_atmosphere,
    "Vega": load_vega,
}
TABLES = ("arc_lines", "oh_lines", "atmospheric_transmission", "vega")


def read_table(name):
    with resources.as_file(resources.files("iris_contract").joinpath(f"data/{name}.ecsv")) as path:
        return Table.read(path, format="ascii.ecsv")


@pytest.mark.parametrize("name", SPECTRA)
def test_wavelengths_increase_over_the_range_and_values_are_finite(name):
    wavelength, value = SPECTRA[name]()
    assert wavelength.dtype == value.dtype == np.float64
    assert wavelength.shape == value.shape
    assert np.all(np.diff(wavelength) > 0)
    assert 700 < wavelength[0] < 910
    assert 2350 < wavelength[-1] < 6000
    assert np.all(np.isfinite(value))
    assert np.all(value >= 0)


@pytest.mark.parametrize("name", SPECTRA)
def test_spectra_are_shared_and_cannot_be_changed(name):
    first, second = SPECTRA[name](), SPECTRA[name]()
    assert all(a is b for a, b in zip(first, second, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        first[0][0] = 1.0


def test_every_line_belongs_to_one_lamp():
    table = read_table("arc_lines")
    assert sum(len(load_arc_lines(lamp)[0]) for lamp in LAMPS) == len(table)
    assert set(table["element"]) == set(LAMPS.values())


@pytest.mark.parametrize(
    ("lamp", "angstrom"),
    [
        ("ARGON", (10480.91, 12705.76, 15993.86, 20991.84)),
        ("KRYPTON", (9858.94, 13662.12, 16789.72, 21908.51)),
        ("XENON", (9515.99, 12626.85, 17330.53, 20267.77)),
    ],
)
def test_well_known_lines_are_there_in_vacuum(lamp, angstrom):
    """To 0.02 Angstrom, where air wavelengths would lie 2.6 to 6 Angstrom shorter."""
    wavelength, _ = load_arc_lines(lamp)
    for line in angstrom:
        assert np.abs(10 * wavelength - line).min() < 0.02, line


def test_every_lamp_has_lines_in_every_band():
    for lamp in LAMPS:
        wavelength, _ = load_arc_lines(lamp)
        for low, high in ((970, 1170), (1156, 1370), (1474, 1818), (1960, 2417)):
            assert np.sum((wavelength > low) & (wavelength < high)) >= 10, (lamp, low)


def test_atmosphere_is_transparent_in_the_bands_and_opaque_between():
    wavelength, transmission = load_atmosphere()
    assert transmission.max() <= 1
    bands = ((1600, 1700, 0.9, 1), (2100, 2300, 0.85, 1), (1360, 1400, 0, 0.5), (1850, 1900, 0, 0.5))
    for low, high, least, most in bands:
        assert least <= np.median(transmission[(wavelength > low) & (wavelength < high)]) <= most, low


def test_vega_has_its_known_flux_and_brackett_gamma():
    """3.1e-10, 1.1e-10 and 4.1e-11 erg s-1 cm-2 A-1 at 1.25, 1.65 and 2.20 um within a tenth."""
    wavelength, flux = load_vega()
    assert np.interp([1235.0, 1630.0, 2200.0], wavelength, flux) == pytest.approx([3.1e-10, 1.2e-10, 4.0e-11], rel=0.1)
    line, beside = np.interp([2166.1, 2150.0], wavelength, flux)
    assert line < 0.95 * beside


@pytest.mark.parametrize("name", TABLES)
def test_source_and_licence_come_along(name):
    meta = read_table(name).meta
    licences = resources.files("iris_contract").joinpath("data/LICENSES.md").read_text("utf-8")
    assert "BSD-3-Clause" in meta["source"]
    assert f"`{name}.ecsv`" in licences


def test_a_lamp_without_lines_is_refused():
    with pytest.raises(InputError, match="CALLAMP='FLAT': has no line list; choose ARGON"):
        load_arc_lines("FLAT")
