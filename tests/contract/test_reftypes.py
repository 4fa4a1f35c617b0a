"""Contract 4, reference types: kinds, match keys, time rules and layouts, spelled out."""

import pytest
from astropy import units

from iris_contract.keywords import load_keywords
from iris_contract.layouts import load_layouts
from iris_contract.lenslet import load_lattice
from iris_contract.reftypes import load_reference_types

# kind: calibration, sources, match keys, time rule, model, algorithm served, status
FROZEN = """
dark       | 4  | DTC NTC | DETECTOR READMODE              | CLOSEST  | DarkModel                    | dark          | now
flat       | 0  | DTC     | DETECTOR FILTER                | CLOSEST  | FlatModel                    | flat          | now
mask       | 3  | DTC     | DETECTOR                       | USEAFTER | MaskModel                    | bad_pixel     | now
gain       | 0  | DTC     | DETECTOR                       | USEAFTER | GainModel                    | ramp          | now
readnoise  | 0  | DTC     | DETECTOR READMODE              | USEAFTER | ReadnoiseModel               | ramp          | now
linearity  | 0  | DTC     | DETECTOR                       | USEAFTER | LinearityModel               | linearity     | now
saturation | 0  | DTC     | DETECTOR                       | USEAFTER | SaturationModel              | saturation    | now
ipc        | 0  | DTC     | DETECTOR                       | USEAFTER | IpcModel                     | ipc           | now
persist    | 0  | DTC     | DETECTOR                       | USEAFTER | PersistenceModel             | persistence   | now
arc        | 2  | NSCU    | SCALE FILTER GRATING LLMSKST LLMSKCOL | CLOSEST  | ArcModel                     | wavelength    | now
rectmat    | 9  | NSCU    | SCALE FILTER GRATING LLMSKST LLMSKCOL | CLOSEST  | RectmatModel                 | rectification | planned
lenflat    | 0  | NSCU    | SCALE FILTER GRATING LLMSKST LLMSKCOL | CLOSEST  | LensletFlatModel             | flat          | planned
fiber      | 6  | NSCU    | DETECTOR FILTER SCALE GRATING  | CLOSEST  | FiberModel                   | psf           | planned
dmap       | 11 | NSCU    | DETECTOR FILTER                | USEAFTER | DistortionModel              | distortion    | planned
psfstar    | 13 | on-sky  | DETECTOR FILTER SCALE GRATING  | CLOSEST  | PsfStarModel                 | psf           | planned
sky        | 14 | on-sky  | DETECTOR FILTER SCALE GRATING  | CLOSEST  | SkyModel                     | sky           | planned
fluxcal    | 7  | on-sky  | DETECTOR FILTER SCALE GRATING  | CLOSEST  | FluxModel                    | flux          | planned
adcres     | 1  | ESW     | INSTMODE FILTER                | USEAFTER | DispersionModel              | dispersion    | planned
env        | 5  | ESW     |                                | USEAFTER | EnvironmentModel             | metadata      | planned
insconf    | 8  | ESW     | INSTMODE                       | USEAFTER | InstrumentConfigurationModel | metadata      | planned
nfconf     | 10 | ESW     |                                | USEAFTER | NfiraosConfigurationModel    | metadata      | planned
psfmeta    | 12 | ESW     | INSTMODE                       | USEAFTER | PsfMetadataModel             | psf           | planned
ptg        | 15 | ESW     |                                | USEAFTER | PointingModel                | metadata      | planned
"""  # noqa: E501
HDUS = """
dark       DATA float32 ny,nx electron/s; ERR float32 ny,nx electron/s; DQ uint32 ny,nx
flat       DATA float32 ny,nx 1; ERR float32 ny,nx 1; DQ uint32 ny,nx
mask       DQ uint32 ny,nx
gain       DATA float32 ny,nx electron/DN; ERR float32 ny,nx electron/DN; DQ uint32 ny,nx
readnoise  DATA float32 ny,nx electron; ERR float32 ny,nx electron; DQ uint32 ny,nx
linearity  COEFFS float32 ny,nx,ncoeff; COEFFS_ERR float32 ny,nx,ncoeff; DQ uint32 ny,nx
saturation DATA float32 ny,nx DN; DQ uint32 ny,nx
ipc        DATA float32 ny,nx,nk 1; ERR float32 ny,nx,nk 1
persist    DATA float32 ny,nx,ntrap 1; ERR float32 ny,nx,ntrap 1; TIMES float64 ntrap s
arc        COEFFS float64 nspec,ncoeff nm; DOMAIN float64 nspec,nend pixel; COVARIANCE float64 nspec,ncoeff,ncoeff nm2; COMMON float64 ncoeff,ncoeff nm2; SPAN float64 nspec,nend pixel; COLUMN int32 nspec; ROW int32 nspec; TRACE float64 nspec,ntrace pixel; WIDTH float32 nspec,nend pixel; RMS float32 nspec pixel; NLINES int32 nspec; DQ uint32 nspec; LINES table COLUMN,ROW,WAVELENGTH,X,Y,X_ERR,FLUX,WIDTH_X,USED,LAMP,SHIFT_X,SHIFT_Y
rectmat    DATA float32 nlens,nrow,nwave 1; HILO int32 nlens,nlim pixel; EFFECTIVE int32 nlens
lenflat    DATA float32 nlens,nwave 1; ERR float32 nlens,nwave 1; DQ uint32 nlens,nwave
fiber      DATA float32 npos,npsf,npsf 1; ERR float32 npos,npsf,npsf 1
dmap       COEFFS float64 naxis,ncoeff pixel; COVARIANCE float64 ncov,ncov pixel2; RESIDUAL float32 naxis,ny,nx pixel
psfstar    DATA float32 npos,npsf,npsf 1; ERR float32 npos,npsf,npsf 1
sky        DATA float32 ny,nx electron/s; ERR float32 ny,nx electron/s; DQ uint32 ny,nx
fluxcal    DATA float64 nwave erg/(Angstrom cm2 electron); ERR float64 nwave erg/(Angstrom cm2 electron)
adcres     TABLE table WAVELENGTH,DX,DY
env        TABLE table SENSOR,ZERO_POINT,LOW,HIGH,RULE
insconf    TABLE table SENSOR,ZERO_POINT,LOW,HIGH,RULE
nfconf     TABLE table SENSOR,ZERO_POINT,LOW,HIGH,RULE
psfmeta    TABLE table SENSOR,ZERO_POINT,LOW,HIGH,RULE
ptg        TABLE table SENSOR,ZERO_POINT,LOW,HIGH,RULE
"""  # noqa: E501
CALIBRATIONS = {
    1: "adcres",
    2: "arc",
    3: "mask",
    4: "dark",
    5: "env",
    6: "fiber",
    7: "fluxcal",
    8: "insconf",
    9: "rectmat",
    10: "nfconf",
    11: "dmap",
    12: "psfmeta",
    13: "psfstar",
    14: "sky",
    15: "ptg",
}


def spell(hdu) -> str:
    return " ".join(part for part in (hdu.name, hdu.dtype, ",".join(hdu.axes), hdu.unit.replace(" / ", "/")) if part)


def test_kinds_match_keys_and_time_rules_are_frozen():
    found = [
        (t.kind, str(t.calibration), " ".join(t.source), " ".join(t.match), t.time, t.model, t.serves, t.status)
        for t in load_reference_types().values()
    ]
    assert found == [tuple(cell.strip() for cell in line.split("|")) for line in FROZEN.strip().splitlines()]


def test_layouts_are_frozen():
    found = [f"{t.kind:10} {'; '.join(map(spell, t.hdus))}" for t in load_reference_types().values()]
    assert found == HDUS.strip().splitlines()


def test_each_of_the_fifteen_calibrations_has_its_kind():
    found = {t.calibration: t.kind for t in load_reference_types().values() if t.calibration}
    assert found == CALIBRATIONS


@pytest.mark.parametrize("kind", load_reference_types())
def test_kind_can_be_selected_read_and_explained(kind):
    entry = load_reference_types()[kind]
    assert set(entry.match) <= set(load_keywords())
    assert "SUBARRAY" not in entry.match, "a sub-array uses full-frame references"
    assert load_layouts()[entry.model].hdus == entry.hdus
    assert entry.title
    assert entry.title[0].isupper()
    for hdu in entry.hdus:
        units.Unit(hdu.unit)


def test_no_two_kinds_share_a_layout():
    models = [t.model for t in load_reference_types().values()]
    assert len(set(models)) == len(models)


def test_the_kinds_that_this_version_makes():
    assert {k for k, t in load_reference_types().items() if t.status == "now"} == {
        "dark",
        "flat",
        "mask",
        "gain",
        "readnoise",
        "ipc",
        "linearity",
        "saturation",
        "persist",
        "arc",
    }


def test_the_lit_column_selects_for_the_mask_that_has_one_and_for_no_other():
    for kind in ("arc", "rectmat", "lenflat"):
        entry = load_reference_types()[kind]
        assert entry.list_keys({"LLMSKST": "FINE_MASK_CALIBRATION"}) == entry.match
        for mask in ("FINE_MASK", "SERRATED_WIDE", "NONE"):
            assert entry.list_keys({"LLMSKST": mask}) == entry.match[:-1]
    assert load_keywords()["LLMSKCOL"].allowed == tuple(map(str, range(load_lattice("FINE_MASK").shape[1])))
