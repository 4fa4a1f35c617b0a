"""Anchors are measured right on ramps whose noise, coupling, loss and hits are made here, without the simulator.

Tolerances are four standard errors of the ramps at hand, derived beside each: false alarm 1e-4.
"""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ, Ramp, Subarray, Truth, load_instrument
from iris_contract.errors import LayoutError, ManifestError
from iris_validators import judge, load_specifications, sample_group
from iris_validators.anchors.darks import count_hits
from iris_validators.anchors.raw import RawEvidence
from iris_validators.measurement import Measurement

GAIN, WHITE = 2.0, 11.0
REGION = Subarray(1, 1, 192, 196)
EVENT = [("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("ELECTRONS", "f4")]
JULIAN = {"EXPJDST": 2464337.75, "EXPJDEND": 2464337.76}
DETECTOR = load_instrument().detector("IMG1")
BORDER = REGION.reference_pixels(DETECTOR)
SIZE = 188 * 192  # light-sensitive pixels


class Stage:
    """Writes raw frames and truth below a run directory, and samples them."""

    def __init__(self, bench):
        self.bench, self.number = bench, 0

    def sample(self, electrons, times, *, scene=0.0, rate=0.0, cause=None, events=(), persistence=None, earlier=()):
        """Return {(metric, condition): sample} of the ramps `electrons` (ny, nx, ramps, reads)."""
        name, self.number = f"{self.number}.fits", self.number + 1
        self._write(name, electrons, times)
        light = np.where(BORDER, 0.0, 1.0)
        bits = np.where(BORDER, DQ["REFERENCE_PIXEL"], 0).astype("u4") | (0 if cause is None else cause)
        truth = self.bench.truth(name, light * scene, detected=light * rate, cause=bits, events=events)
        if persistence is not None:
            path = self.bench.root / truth
            replace(Truth.read(path), persistence=(light * persistence).astype("f4")).write(path)
        row = self.bench.row(name, "RampModel", truth, family="simulator", algorithm="simulator", setting="chain")
        row = replace(
            row, raw=(*row.raw, *(f"raw/{e}" for e in earlier)), raw_sha256=row.raw_sha256 * (1 + len(earlier))
        )
        return {(s.metric.partition(".")[2], s.condition): s for s in sample_group(self.bench.root, [row])}

    def _write(self, name, electrons, times):
        cards = {"XSTART": 1, "YSTART": 1, "XSIZE": REGION.xsize, "YSIZE": REGION.ysize}
        reads = np.clip(np.rint(electrons / GAIN + 5000), 0, 65535).astype("u2")
        for folder in ("raw", "products"):
            (self.bench.root / folder).mkdir(exist_ok=True)
            ramp = Ramp({"DATAMODL": "RampModel", "DETECTOR": "IMG1", **cards, **JULIAN}, reads, np.atleast_2d(times))
            ramp.write(self.bench.root / folder / name)


@pytest.fixture
def stage(bench):
    return Stage(bench)


def noisy(ramps, reads, seed=1):
    return np.random.default_rng(seed).normal(0, WHITE, (*REGION.shape, ramps, reads))


def ladder(ramps, reads, step):
    return np.tile(np.arange(reads) * step, (ramps, 1))


def verdict(name, sample):
    """Verdict on a value known without error."""
    return judge(load_specifications()[f"simulator.{name}"], Measurement(sample.value, *[sample.value] * 2, "", 9)).word


def make_pink(shape, seed=2):
    """Noise of each row and read, common to all columns: a spectrum of power 1/f through rows and reads."""
    number = shape[0] * shape[3]
    noise = np.fft.rfft(np.random.default_rng(seed).normal(size=(shape[2], number)), axis=1)
    noise[:, 1:] /= np.sqrt(np.arange(1, noise.shape[1]))
    noise[:, 0] = 0
    rows = np.fft.irfft(noise, number, axis=1).reshape(shape[2], shape[3], shape[0])
    return (rows / rows.std()).transpose(2, 0, 1)[:, None]


def test_white_noise_falls_with_the_root_of_the_reads(stage):
    """White noise alone is too good to be true: MCDS of 32 fall outside what real detectors show."""
    found = stage.sample(noisy(4, 64), ladder(4, 64, 0.72))
    variance = WHITE**2 + GAIN**2 / 12
    for pairs in (1, 2, 4, 8, 16, 32):
        sigma = np.sqrt(2 * variance / pairs)
        errors = 3 * (64 // (2 * pairs)) * SIZE
        assert abs(found["mcds_noise", f"pairs={pairs}"].value / sigma - 1) < 4 / np.sqrt(2 * errors)
    assert abs(found["mcds_exponent", "all"].value + 0.5) < 0.002
    assert verdict("mcds_gain_32", found["mcds_gain", "pairs=32"]) == "FAIL"
    assert abs(found["common_share", "all"].value) < 4 / np.sqrt(3 * 63 * 192 * 64**2)
    assert verdict("common_share", found["common_share", "all"]) == "FAIL"


def test_noise_in_common_is_found_with_its_colour(stage):
    """Rows that all outputs share, rms 8 e-; of 4 x 64 x 192 independent rows a slope is good to 0.1."""
    shape = (*REGION.shape, 4, 64)
    found = stage.sample(noisy(4, 64) + 8 * make_pink(shape), ladder(4, 64, 0.72))
    assert abs(found["spectrum_slope", "all"].value + 1) < 0.1
    assert verdict("spectrum_slope", found["spectrum_slope", "all"]) == "PASS"
    assert found["mcds_noise", "pairs=32"].value > 1.1 * np.sqrt(2 / 32) * WHITE
    flat = noisy(4, 64) + 8 * np.random.default_rng(3).normal(size=(shape[0], 1, 4, 64))
    white_rows = stage.sample(flat, ladder(4, 64, 0.72))
    assert abs(white_rows["spectrum_slope", "all"].value) < 0.1
    assert verdict("spectrum_slope", white_rows["spectrum_slope", "all"]) == "FAIL"
    share = 64 / (64 + WHITE**2 + GAIN**2 / 12)
    assert abs(white_rows["common_share", "all"].value / share - 1) < 4 * np.sqrt(2 / (3 * 63 * 192))


def test_settling_and_pedestals_are_no_noise(stage):
    """What returns in every ramp, and what a reset leaves, change nothing."""
    times = ladder(4, 8, 0.72)
    rng = np.random.default_rng(4)
    settling = rng.normal(-60, 15, (*REGION.shape, 1, 1)) * np.exp(-times / 2)
    pedestal = rng.normal(0, 35, (*REGION.shape, 4, 1))
    plain = stage.sample(noisy(4, 8), times)["mcds_noise", "pairs=4"].value
    assert stage.sample(noisy(4, 8) + settling + pedestal, times)["mcds_noise", "pairs=4"].value == pytest.approx(
        plain, rel=2e-3
    )


def test_slow_reads_or_a_single_ramp_tell_nothing_of_noise(stage):
    assert ("mcds_noise", "pairs=1") not in stage.sample(noisy(2, 8), ladder(2, 8, 10.0))
    assert ("mcds_noise", "pairs=1") not in stage.sample(noisy(1, 8), ladder(1, 8, 0.72))


def make_flat(ramps, side, rate, times):
    """Poisson ramps whose neighbours at the sides are coupled by `side`."""
    rng = np.random.default_rng(5)
    steps = np.diff(times, axis=1, prepend=0.0)[0]
    charge = np.cumsum(rng.poisson(rate * steps, (*REGION.shape, ramps, len(steps))), axis=-1).astype(float)
    charge[BORDER] = 0
    moved = sum(np.roll(charge, shift, axis) for shift in (-1, 1) for axis in (0, 1))
    return np.where(BORDER[:, :, None, None], 0.0, charge + side * (moved - 4 * charge))


@pytest.mark.parametrize(("side", "word"), [(0.0, "FAIL"), (0.0125, "PASS"), (0.02, "FAIL")])
def test_photon_transfer(stage, side, word):
    """Variance to sqrt(2/(4 x 36 000)) = 0.37 %, a covariance to 0.26 % of it, hence the coupling to 0.0005."""
    times = ladder(5, 5, 5.0)
    edges = np.zeros(REGION.shape, "u4")
    edges[[4, -1]], edges[:, [4, -1]] = DQ["DEAD"], DQ["DEAD"]
    electrons = make_flat(5, side, 1000.0, times) + noisy(5, 5)
    slow = np.repeat(np.random.default_rng(6).normal(size=(REGION.ysize // 4, 1, 5, 5)), 4, axis=0)
    electrons += 20 * slow  # of no account: four rows have it in common
    found = stage.sample(electrons, times, scene=1000.0, rate=1000.0, cause=edges)
    expected = 1 / ((1 - 4 * side) ** 2 + 4 * side**2) - 1
    assert abs(found["gain_bias", "all"].value - expected) < 0.017
    assert abs(found["coupling", "all"].value - side) < 0.0021
    assert verdict("gain_bias", found["gain_bias", "all"]) == word


@pytest.mark.parametrize(("loss", "word"), [(0.05, "PASS"), (0.04, "FAIL")])
def test_nonlinearity(stage, loss, word):
    """A loss that grows with the power of the charge that passes through both anchors; rounding costs 1e-5."""
    power = np.log(5) / np.log(80 / 44.5)
    times = ladder(2, 24, 4.0)
    charge = np.where(BORDER[:, :, None, None], 0.0, 1000.0 * times)
    settling = -60 * np.exp(-times / 2)
    shown = charge * (1 - loss * (charge / 80_000) ** power) + settling
    found = stage.sample(shown, times, scene=1000.0, rate=1000.0)
    at = found["loss", "electrons=80000"], found["loss", "electrons=44500"]
    assert at[0].value == pytest.approx(loss, rel=0.005)
    assert at[1].value == pytest.approx(loss / 5, rel=0.02)
    assert verdict("loss_80000", at[0]) == word
    assert verdict("loss_44500", at[1]) == word


def test_saturation_is_the_signal_of_wells_that_are_full(stage):
    times = ladder(1, 13, 10.0)
    shown = np.where(BORDER[:, :, None, None], 0.0, np.minimum(1000.0 * times, 97_000.0))
    cause = np.where(BORDER, 0, DQ["SATURATED"]).astype("u4")
    found = stage.sample(shown, times, scene=1000.0, rate=1000.0, cause=cause)
    assert found["saturation", "all"].value == pytest.approx(97_000, abs=2)
    assert ("saturation", "all") not in stage.sample(shown[..., :9], times[:, :9], scene=1000.0, rate=1000.0)


def test_dark_current_is_measured_beside_drifting_reference_pixels(stage):
    """Each output drifts and settles in its own way; 2 % of the pixels are hot and count as bad."""
    times = ladder(10, 20, 10.0)
    dark = np.where(BORDER, 0.0, 0.005)
    dark[50:54, 4:184] = 2.0
    cause = np.where(dark == 2.0, DQ["HOT"], 0).astype("u4")
    drift = np.repeat([0.05, -0.02, 0.1], 64)[:, None, None]
    settling = np.repeat([-60.0, -90.0, -20.0], 64)[:, None, None]
    ramps = dark[:, :, None, None] * times + drift * times + settling * np.exp(-times / 2) + noisy(10, 20)
    found = stage.sample(ramps, times, rate=dark, cause=cause)
    assert abs(found["dark_median", "all"].value - 0.005) < 0.0015  # 0.0154 e-/s of 192 x 4 reference pixels, two such
    share = 720 / SIZE
    assert found["dark_tail", "all"].value == pytest.approx(share, rel=1e-6)
    assert found["bad_pixels", "all"].value == pytest.approx(share, rel=1e-6)
    assert verdict("bad_pixels", found["bad_pixels", "all"]) == "FAIL"


@pytest.mark.parametrize(("share", "word"), [(1.4e-4, "PASS"), (4e-4, "FAIL")])
def test_afterglow(stage, bench, share, word):
    """Charge is given back within 150 s; what the noise leaves of a median of 36 000 pixels is 0.6 e- (four sigma)."""
    lit = np.where(BORDER[:, :, None, None], 0.0, 1000.0 * ladder(1, 9, 10.0))
    stage.sample(lit, ladder(1, 9, 10.0), scene=1000.0, rate=1000.0)
    times = ladder(1, 20, 10.0)
    given = share * 80_000 * times / 150 + 0.005 * times
    ramps = np.where(BORDER[:, :, None, None], 0.0, given) + noisy(1, 20)
    moved = JULIAN["EXPJDEND"] - JULIAN["EXPJDST"]
    late = {k: v + moved for k, v in JULIAN.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.JULIAN", late)
        found = stage.sample(ramps, times, rate=0.005 + share * 533, persistence=share * 533, earlier=["0.fits"])
    assert abs(found["persistence", "all"].value - share) < 1e-5
    assert verdict("persistence", found["persistence", "all"]) == word
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.JULIAN", {k: v + 0.01 for k, v in late.items()})
        assert ("persistence", "all") not in stage.sample(ramps, times, earlier=["0.fits"])


def test_hits_are_joined_at_corners_but_not_over_time(stage):
    """Three hits: two pixels at a corner, one beside them a read later, a snowball of 81 pixels far away."""
    ball = [(100 + y, 100 + x, 0, 1, 1000.0) for y in range(9) for x in range(9)]
    events = [(20, 20, 0, 1, 60.0), (21, 21, 0, 1, 40.0), (21, 22, 0, 2, 300.0), *ball]
    found = stage.sample(noisy(1, 3), ladder(1, 3, 30.0), events=events)
    area = SIZE * 1e-6
    assert found["hit_rate", "all"].value == pytest.approx(3 / area)
    assert found["hit_pixels", "all"].value == pytest.approx(1.5)
    assert found["hit_charge", "all"].value == pytest.approx(200.0)


def test_no_hit_is_a_rate_of_nothing(stage):
    found = stage.sample(noisy(1, 3), ladder(1, 3, 30.0))
    assert found["hit_rate", "all"].value == 0
    assert ("hit_pixels", "all") not in found


def test_longer_exposures_weigh_more(stage):
    """Rates of two roles combine as all hits over all of area times time."""
    short, long = (stage.sample(noisy(1, 3), ladder(1, 3, t))["hit_rate", "all"].weight for t in (30.0, 90.0))
    assert long == pytest.approx(3 * short)


def test_events_out_of_order_and_twice_in_a_pixel_are_the_same_hit():
    """A snowball and its track share pixels."""
    events = np.array([(9, 9, 0, 1, 5.0), (7, 7, 0, 1, 5.0), (9, 9, 0, 1, 4.0), (8, 8, 0, 1, 5.0)], EVENT)
    plane = np.zeros(REGION.shape)
    truth = Truth("", plane, plane, plane, plane, BORDER.astype("u4"), events, {})
    ramp = Ramp(
        {"DETECTOR": "IMG1", "XSTART": 1, "YSTART": 1, "XSIZE": 192, "YSIZE": 196}, plane, np.array([[0.0, 9.0]])
    )
    hits = count_hits(RawEvidence(None, ramp, truth))
    assert hits.pixels.tolist() == [3]
    assert hits.electrons.tolist() == [19.0]


def test_foreign_truth_and_paths_are_refused(stage, bench):
    stage.sample(noisy(1, 2), ladder(1, 2, 30.0))
    row = bench.row("0.fits", "RampModel", "truth/0.fits", family="simulator", algorithm="simulator")
    with pytest.raises(ManifestError, match="another raw file"):
        sample_group(bench.root, [replace(row, raw_sha256=("0" * 64,))])
    with pytest.raises(ManifestError, match="leaves the run"):
        sample_group(bench.root, [replace(row, raw=("../../0.fits",))])
    with pytest.raises(LayoutError, match="no such file"):
        sample_group(bench.root, [replace(row, raw=("raw/none.fits",))])
