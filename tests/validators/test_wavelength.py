"""Wavelength solutions: honest ones pass with the values that theory gives; each fault moves what it must, by hand."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ, Subarray
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.fitsio import read_layout
from iris_contract.lenslet import load_passband
from iris_validators import sample_group
from iris_validators.arc_evidence import read_arc
from iris_validators.line_errors import find_line_pulls
from iris_validators.line_identification import identify
from iris_validators.solution_errors import SolutionErrors
from iris_validators.true_places import TruePlaces
from iris_validators.wavelength import METRICS, _find_own_width, sample_solutions

STEP = 0.2735  # nm/px at R4000 in K


def values(bench, change=lambda content: None, night=1, **cards):
    """Value by figure of one night's solution; counts as (k, n), reasons as text."""
    samples = sample_group(bench.root, [bench.row(night, change, **cards)])
    assert {s.condition for s in samples} == {"filter=KN3 grating=4000-K scale=4 mask=FINE_MASK"}
    names = [s.metric.removeprefix("wavelength.") for s in samples]
    assert len(set(names)) == len(METRICS)
    found = [s.reason or ((s.k, s.n) if s.k is not None else s.value) for s in samples]
    return dict(zip(names, found, strict=True))


def test_an_honest_solution_has_its_own_noise(shared_arc_bench):
    """87 offsets of 0.012 px: rms to 8 % (1 sigma), mean to 0.0013 px; 5 sigma are allowed, false alarm 1e-6."""
    found = values(shared_arc_bench)
    number = len(shared_arc_bench.whole())
    assert found["yield"] == (number, number)
    assert found["completeness"] == found["purity"] == (6 * number, 6 * number)
    for name in ("residual", "edge"):
        assert found[name] == pytest.approx(0.012, rel=0.4)
    assert found["drift"] == pytest.approx(0, abs=0.0065)
    assert found["pull_width"] == pytest.approx(1, abs=0.4)
    assert found["velocity"] / found["residual"] == pytest.approx(299_792.458 * STEP / 2167, rel=0.02)
    assert 0.02 < found["residual_999"] <= found["largest"] < 0.06


def shift(by):
    def change(content):
        content["COEFFS"][:, 0] += by * STEP

    return change


def test_a_shift_is_the_drift(shared_arc_bench):
    """0.15 px: the drift moves by it, the rms to hypot(0.15, 0.012), pulls by 12.5, their width not at all."""
    before, after = values(shared_arc_bench), values(shared_arc_bench, shift(0.15))
    assert after["drift"] - before["drift"] == pytest.approx(0.15, rel=0.02)
    assert after["residual"] == pytest.approx(np.hypot(0.15, 0.012), rel=0.03)
    assert after["pull_mean"] - before["pull_mean"] == pytest.approx(0.15 / 0.012, rel=0.02)
    assert after["pull_width"] == pytest.approx(before["pull_width"], rel=0.02)
    assert (after["purity"], after["completeness"]) == (before["purity"], before["completeness"])


def test_truth_is_of_the_moment_of_the_arcs(arc_bench):
    """Without the exposures' flexure of 0.06 px every column would be off by it."""
    arc_bench.write_truth()
    evidence = read_arc(arc_bench.root, arc_bench.row(1))
    errors = SolutionErrors.of(evidence).error
    still = replace(evidence, places=TruePlaces.of(evidence.truth, [0.0, 0.0]))
    assert np.mean(SolutionErrors.of(still).error) - np.mean(errors) == pytest.approx(-0.06, abs=1e-4)


def test_splines_reach_between_nodes(arc_bench):
    """Their own 33 nodes of 12 px against the map itself, 1e-4 px, and its slope."""
    places = TruePlaces.of(arc_bench.spectrograph(), [0.5, -0.5])
    nm, lenslet = np.linspace(2120.0, 2210.0, 777), 700
    x, y = arc_bench.true_place(lenslet, nm)
    found, across, growth = places.trace(lenslet, nm)
    np.testing.assert_allclose(found, x + 0.5, atol=1e-4)
    np.testing.assert_allclose(across, y - 0.5, atol=1e-4)
    np.testing.assert_array_equal(places.find(np.full(777, lenslet), nm), [found, across])
    np.testing.assert_allclose(growth, np.gradient(x, nm), rtol=1e-3)


def keep_lines_within(content, half):
    """Use only lines less than `half` px from the middle of their spectrum; returns how far these are."""
    table, middle = content["LINES"], content["DOMAIN"].mean(axis=1)
    number = {place: n for n, place in enumerate(zip(content["COLUMN"], content["ROW"], strict=True))}
    own = middle[[number[place] for place in zip(table["COLUMN"], table["ROW"], strict=True)]]
    table["USED"] = np.abs(table["X"] - own) < half
    return (table["X"] - own)[table["USED"] != 0]


def test_a_slope_shows_beyond_the_lines(shared_arc_bench):
    """Lines from -a to b px: 0.001 of scale error is 0.001 sqrt((a^3 + b^3) / 3 (a + b)) rms between them."""
    ends = []

    def change(content):
        table = keep_lines_within(content, 100.0)
        ends.extend([-table.min(), table.max()])
        content["COEFFS"][:, 1] *= 1.001

    found = values(shared_arc_bench, change)
    a, b = ends
    slope = 0.001 * np.sqrt((a**3 + b**3) / (3 * (a + b)))
    assert found["residual"] == pytest.approx(np.hypot(slope, 0.012), rel=0.05)
    assert 0.1 < found["edge"] < found["edge_999"] <= found["largest"] < 0.25


def test_lines_at_both_ends_leave_nothing_to_extrapolate(arc_bench):
    """Argon shines a third of a column outside of half transmission as well: there is no edge, and it says so."""
    low, high = load_passband(arc_bench.mode.filter).half
    arc_bench.lines["ARGON"] = np.concatenate([[low - 0.1], arc_bench.lines["ARGON"], [high + 0.1]])
    arc_bench.write_truth()
    found = values(arc_bench)
    for name in ("edge", "edge_999", "edge_velocity"):
        assert found[name] == "not in this run: lines reach to both ends of every spectrum"
    assert found["residual"] < 0.02


def test_lines_that_never_shone_move_no_end_and_are_not_pure(shared_arc_bench):
    """Two are invented a px beyond half transmission, at their true places: nobody can have measured them."""

    def invent(content):
        truth = shared_arc_bench
        low, high = load_passband(truth.mode.filter).half
        table, whole = content["LINES"], truth.whole()
        for nm in (low - STEP, high + STEP):
            more = table[table["WAVELENGTH"] == table["WAVELENGTH"][0]].copy()
            x, y = truth.true_place(whole, np.full(len(whole), nm))
            more["WAVELENGTH"], more["X"], more["Y"] = nm, x + truth.shift[0], y + truth.shift[1]
            table = np.append(table, more)
        content["LINES"] = table

    honest, found, number = values(shared_arc_bench), values(shared_arc_bench, invent), len(shared_arc_bench.whole())
    assert (found["edge"], found["residual"]) == (honest["edge"], honest["residual"])
    assert (honest["purity"], found["purity"]) == ((6 * number, 6 * number), (6 * number, 8 * number))


def test_repeating_right_lines_hides_no_wrong_ones(shared_arc_bench):
    total = 6 * len(shared_arc_bench.whole())

    def repeat(content):
        content["LINES"]["X"][:26] += 3.0
        content["LINES"] = np.append(content["LINES"], np.repeat(content["LINES"][26:], 20))

    assert values(shared_arc_bench, repeat)["purity"] == (total - 26, total)


@pytest.mark.parametrize("fault", ["lopsided", "negative"])
def test_what_cannot_be_a_covariance_is_no_error_estimate(shared_arc_bench, fault):
    def change(content):
        if fault == "lopsided":
            content["COVARIANCE"][:, 0, 1] += 1.0
            content["COVARIANCE"][:, 1, 0] -= 1.0
        else:
            content["COMMON"][0, 0] = -1.0

    found = values(shared_arc_bench, change)
    assert np.isnan(found["pull_width"])
    assert np.isnan(found["pull_mean"])


def test_a_product_does_not_choose_its_own_ends(shared_arc_bench):
    """What it says in SPAN moves nothing; lines that it invents at the ends move its purity and no end."""
    honest = values(shared_arc_bench)
    assert values(shared_arc_bench, lambda content: content.update(SPAN=content["DOMAIN"].copy())) == honest
    assert values(shared_arc_bench, lambda content: content["SPAN"].fill(np.nan)) == honest

    def invent(content):
        table, end = content["LINES"], load_passband("KN3").half[1]
        more = table[table["WAVELENGTH"] == table["WAVELENGTH"].max()].copy()
        more["X"] += 5 + (end - more["WAVELENGTH"]) / STEP  # where they say that the band's end lies, 5 px off
        more["WAVELENGTH"] = end
        content["LINES"] = np.append(table, more)

    found, number = values(shared_arc_bench, invent), len(shared_arc_bench.whole())
    assert found.pop("purity") == (6 * number, 7 * number)
    del honest["purity"]
    assert found == honest


def test_a_solution_without_lines_fails_between_them(shared_arc_bench):
    found = values(shared_arc_bench, lambda content: content["LINES"]["USED"].fill(0))
    assert np.isnan(found["residual"])
    assert found["edge"] < 0.02


def test_what_all_spectra_share_is_not_their_own(shared_arc_bench):
    """A bend of 0.04 px in all spectra shows in the rms and not in the width; COMMON is taken off what is stated."""
    before = values(shared_arc_bench)
    bent = values(shared_arc_bench, lambda content: content["COEFFS"].__iadd__([0, 0, 0.04 * STEP, 0, 0, 0]))
    assert bent["residual"] > 1.3 * before["residual"]
    assert bent["pull_width"] == pytest.approx(before["pull_width"], rel=0.02)

    def state(content):
        more = np.zeros((6, 6))
        more[0, 0] = 3 * content["COVARIANCE"][:, 0, 0].max()
        content["COMMON"] += more
        content["COVARIANCE"] += more

    stated = values(shared_arc_bench, state)
    assert stated["pull_width"] == pytest.approx(before["pull_width"], rel=1e-6)
    assert stated["pull_mean"] == pytest.approx(before["pull_mean"] / 2, rel=0.05)


def bend_all(bench, size):
    """All spectra bent by three orders of `size` px times those of the bench, as COMMON says."""

    def change(content):
        factor = size / bench.common
        content["COEFFS"][:, 1:4] += (factor - 1) * STEP * bench.common * bench.bend
        content["COVARIANCE"] += (factor**2 - 1) * content["COMMON"]
        content["COMMON"] *= factor**2

    return change


def test_a_common_error_is_as_wide_as_its_three_amplitudes(shared_arc_bench):
    """Whatever the columns: chi-square of three amplitudes is that of the draw. 0.05 px drown 0.012 / sqrt(87) px."""
    rms = np.sqrt(np.mean(shared_arc_bench.bend**2))
    wide = values(shared_arc_bench, bend_all(shared_arc_bench, 0.05))
    assert wide["common_width"] == pytest.approx(rms, rel=0.03)
    assert values(shared_arc_bench)["common_width"] == pytest.approx(rms, rel=0.35)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_common_errors_of_the_wrong_size(shared_arc_bench, factor):
    def change(content):
        bend_all(shared_arc_bench, 0.05)(content)
        content["COVARIANCE"] += (factor**2 - 1) * content["COMMON"]
        content["COMMON"] *= factor**2

    honest = values(shared_arc_bench, bend_all(shared_arc_bench, 0.05))
    found = values(shared_arc_bench, change)
    assert found["common_width"] == pytest.approx(honest["common_width"] / factor, rel=0.05)
    assert found["pull_width"] == pytest.approx(honest["pull_width"], rel=1e-6)


def test_a_zero_point_is_no_common_shape(shared_arc_bench):
    """Lamps move it otherwise than any COMMON knows; pull_mean judges it. In nm it is a little of a slope in px."""
    before, after = values(shared_arc_bench), values(shared_arc_bench, shift(0.15))
    assert after["common_width"] == pytest.approx(before["common_width"], rel=0.05)


def test_who_states_nothing_in_common_is_not_asked_of_it(shared_arc_bench):
    found = values(shared_arc_bench, lambda content: content["COMMON"].fill(0))
    assert found["common_width"] == "the solver tells no error apart that all spectra share"


class TestLineErrors:
    """X_ERR: 520 lines of 0.02 px have pulls of width 1 within 3 %; 5 sigma are allowed, false alarm 6e-7."""

    def test_honest_lines_have_pulls_of_width_one(self, shared_arc_bench):
        assert values(shared_arc_bench)["line_pull_width"] == pytest.approx(1, abs=0.16)

    @pytest.mark.parametrize("factor", [0.5, 2.0])
    def test_errors_of_the_wrong_size(self, shared_arc_bench, factor):
        found = values(shared_arc_bench, lambda content: content["LINES"]["X_ERR"].__imul__(factor))
        honest = values(shared_arc_bench)
        assert found["line_pull_width"] == pytest.approx(honest["line_pull_width"] / factor, rel=1e-5)
        del found["line_pull_width"], honest["line_pull_width"]
        assert found == honest

    def test_what_moves_all_lines_of_an_exposure_is_not_theirs(self, shared_arc_bench):
        """Lamps do that by the same for all; one line in all spectra off by 0.1 px is an error of places."""
        honest = values(shared_arc_bench)["line_pull_width"]
        lamp = values(shared_arc_bench, lambda c: c["LINES"]["X"].__iadd__(0.3 * (c["LINES"]["LAMP"] == "ARGON")))
        assert lamp["line_pull_width"] == pytest.approx(honest, rel=1e-6)

        def move(content):
            table = content["LINES"]
            table["X"] += 0.1 * (table["WAVELENGTH"] == table["WAVELENGTH"][0])

        assert values(shared_arc_bench, move)["line_pull_width"] > 1.5 * honest

    def test_errors_of_the_list_are_not_theirs(self, shared_arc_bench):
        """Called 0.004 nm too long, 0.015 px, all of one wavelength: where it truly shone is what counts."""

        def rename(content):
            table = content["LINES"]
            table["WAVELENGTH"] += 0.004 * (table["WAVELENGTH"] == table["WAVELENGTH"][0])

        honest = values(shared_arc_bench)["line_pull_width"]
        assert values(shared_arc_bench, rename)["line_pull_width"] == pytest.approx(honest, rel=1e-9)

    def test_flexure_of_the_own_exposure_is_known(self, arc_bench):
        """Two exposures of argon 0.1 px apart, lines of both in the table: each is held against its own."""
        arc_bench.write_truth()
        evidence = read_arc(arc_bench.root, arc_bench.row(1))
        first, second = evidence.exposures
        later = replace(first, shift=first.shift + np.array([0.1, 0.0]))
        table = evidence.reference.content["LINES"]
        again = table[table["LAMP"] == "ARGON"].copy()
        again["X"] += 0.1
        again["SHIFT_X"] += 0.1
        evidence.reference.content["LINES"] = np.append(table, again)
        pulls, means = find_line_pulls(replace(evidence, exposures=(first, second, later)))
        assert (len(pulls), means) == (len(table) + len(again), 3)
        assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1, abs=0.16)

    @pytest.mark.parametrize("error", [0.0, -0.02, np.nan])
    def test_what_is_no_error_fails(self, shared_arc_bench, error):
        def change(content):
            content["LINES"]["X_ERR"][5] = error

        assert np.isnan(values(shared_arc_bench, change)["line_pull_width"])


def make_errors(spectra, rng):
    """Errors of spectra of 100 columns, an offset and a slope each of sigma 0.01 px, and a bend that all share."""
    u = np.tile(np.linspace(-1, 1, 100), spectra)
    lenslet = np.repeat(np.arange(spectra), 100)
    offset, slope = 0.01 * rng.normal(size=(2, spectra))
    error = offset[lenslet] + slope[lenslet] * u + 0.1 * u**3
    own, none = 0.01 * np.sqrt(1 + u**2), np.zeros(len(u))
    between = np.ones(len(u), bool)
    return SolutionErrors(lenslet, u, none, error, none, own, own, u, u, none, between, between)


@pytest.mark.parametrize("spectra", [2, 8, 30])
def test_few_spectra_have_no_narrower_pulls(spectra):
    """Mean square of 400 draws of 2 (n - 1) degrees of freedom, of which one counts more: 4 sigma, false alarm 6e-5.

    Without the factor n / (n - 1) it would be a half of 2 spectra and seven eighths of 8.
    """
    rng = np.random.default_rng(spectra)
    widths = [_find_own_width(make_errors(spectra, rng), spectra) for _ in range(400)]
    assert np.mean(np.square(widths)) == pytest.approx(1, abs=4 * np.sqrt(2 / (400 * (spectra - 1))))


def test_of_fewer_than_eight_spectra_no_width_is_told(shared_arc_bench):
    evidence = read_arc(shared_arc_bench.root, shared_arc_bench.row(1))
    few, enough = (replace(evidence, window=Subarray(1, 1, 4096, top)) for top in find_tops(evidence, 7, 8))
    lacking = [{s.metric: s.reason for s in sample_solutions([part])} for part in (few, enough)]
    for name in ("wavelength.pull_width", "wavelength.common_width"):
        assert [reasons[name] for reasons in lacking] == [
            "not in this run: fewer than 8 spectra lie wholly in it",
            "",
        ]


def find_tops(evidence, *numbers):
    """Upper edges of windows from the lowest row on that hold so many judged spectra."""
    rows = np.sort(evidence.ends[1].mean(axis=1)[evidence.good])
    return [int(np.floor(rows[number - 1] + 1.5)) for number in numbers]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_errors_of_the_wrong_size(shared_arc_bench, factor):
    def change(content):
        content["COVARIANCE"] *= factor**2
        content["COMMON"] *= factor**2

    ratio = values(shared_arc_bench, change)["pull_width"] / values(shared_arc_bench)["pull_width"]
    assert ratio == pytest.approx(1 / factor)


def test_a_covariance_of_zero_is_no_error_estimate(shared_arc_bench):
    found = values(shared_arc_bench, lambda content: content["COVARIANCE"].fill(0))
    assert np.isnan(found["pull_width"])
    assert found["residual"] < 0.02


def test_nan_fails_and_flags_cost_yield(shared_arc_bench):
    first, second = shared_arc_bench.whole()[:2]
    number = len(shared_arc_bench.whole())

    def lose(content):
        content["COEFFS"][first] = np.nan

    found = values(shared_arc_bench, lose)
    assert np.isnan(found["residual"])
    assert found["yield"] == (number - 1, number)

    def flag(content):
        lose(content)
        content["DQ"][first] = DQ["DO_NOT_USE"]
        content["DQ"][second] = DQ["UNRELIABLE_WS"]  # from its neighbours, but it is one

    found = values(shared_arc_bench, flag)
    assert found["residual"] < 0.02
    assert found["yield"] == (number - 1, number)


def test_two_lenslets_swapped_are_a_column_apart(shared_arc_bench):
    """32 a = 27.5 px between neighbours in a row, of opposite sign: rms 27.5 sqrt(2 / n), nothing in the mean."""
    pair = shared_arc_bench.whole()[3:5]
    assert np.ptp(shared_arc_bench.lattice.row[pair]) == 0

    def change(content):
        for name in ("COEFFS", "DOMAIN"):
            content[name][pair] = content[name][pair[::-1]]

    found = values(shared_arc_bench, change)
    number = len(shared_arc_bench.whole())
    assert found["residual"] == pytest.approx(27.5 * np.sqrt(2 / number), rel=0.03)
    assert found["largest"] == pytest.approx(27.5, rel=0.05)
    assert abs(found["drift"]) < 0.05


def test_air_for_vacuum_is_two_pixels(shared_arc_bench):
    """2.73e-4 of 2167 nm over 0.2735 nm/px: 2.16 px."""

    def change(content):
        content["COEFFS"] *= 1 - 2.73e-4

    assert values(shared_arc_bench, change)["drift"] == pytest.approx(-2.16, rel=0.03)


class TestLines:
    """Used lines against true ones."""

    def test_a_line_off_by_more_than_half_a_pixel_is_wrong_and_not_found(self, shared_arc_bench):
        total = 6 * len(shared_arc_bench.whole())

        def change(content):
            content["LINES"]["X"][:3] += [0.4, 0.6, np.nan]
            content["LINES"]["Y"][3] += 2.0  # the neighbouring spectrum

        found = values(shared_arc_bench, change)
        assert found["purity"] == (total - 3, total)
        assert found["completeness"] == (total - 3, total)

    def test_a_wrong_name_and_a_wrong_lenslet_are_wrong(self, shared_arc_bench):
        total = 6 * len(shared_arc_bench.whole())

        def change(content):
            content["LINES"]["WAVELENGTH"][0] += 1.0
            content["LINES"]["COLUMN"][1] += 1
            content["LINES"]["COLUMN"][2] = 99  # there is none

        found = values(shared_arc_bench, change)
        assert found["purity"] == (total - 4, total - 1)  # the second stands beside the right one of that lenslet

    def test_what_was_not_used_counts_neither_as_pure_nor_as_found(self, shared_arc_bench):
        total = 6 * len(shared_arc_bench.whole())

        def change(content):
            content["LINES"]["USED"][:10] = 0
            content["LINES"]["X"][:10] = 0

        found = values(shared_arc_bench, change)
        assert (found["purity"], found["completeness"]) == ((total - 10, total - 10), (total - 10, total))

    def test_nothing_used_is_nothing_to_count(self, shared_arc_bench):
        found = values(shared_arc_bench, lambda content: content["LINES"]["USED"].fill(0))
        assert found["purity"] == "not in this run: nothing to count"
        assert found["completeness"][0] == 0

    @pytest.mark.parametrize(("flux", "share"), [(24.9, 0.0), (25.1, 1.0)])
    def test_faint_lines_need_not_be_found(self, arc_bench, flux, share):
        """2500 electrons in 100 s: 25 e-/s."""
        arc_bench.write_truth(flux=flux)
        counted = identify(read_arc(arc_bench.root, arc_bench.row(1)))
        assert counted.expected == share * 6 * len(arc_bench.whole())
        assert counted.right == counted.used

    def test_lines_on_a_defect_need_not_be_found(self, arc_bench):
        """A defect two px from the pixel of a line touches its core; three px away it does not."""
        n = arc_bench.whole()[40]
        nm = arc_bench.lines["ARGON"][:1]
        x, y = (float(np.squeeze(p)) for p in arc_bench.true_place(n, nm))
        column, row = round(x + 0.06) - arc_bench.region.xstart + 1, round(y - 0.04) - arc_bench.region.ystart + 1
        counts = []
        for away in (2, 3):
            cause = np.zeros(arc_bench.region.shape, "u4")
            cause[row, column + away] = DQ["HOT"]
            arc_bench.write_truth(cause=cause)
            counts.append(identify(read_arc(arc_bench.root, arc_bench.row(1))).expected)
        total = 6 * len(arc_bench.whole())
        assert counts == [total - 1, total]

    def test_unlisted_lines_and_blends_need_not_be_found(self, arc_bench):
        """No list has it: 0.2 nm (0.7 px) beside a listed line it makes a blend of that; 0.6 nm away it does not."""
        total, near = 6 * len(arc_bench.whole()), float(arc_bench.lines["ARGON"][1])
        for apart, lost in ((0.2, 1), (0.6, 0)):
            arc_bench.lines["ARGON"] = np.append(arc_bench.lines["ARGON"][:4], near + apart)
            arc_bench.write_truth()
            counted = identify(read_arc(arc_bench.root, arc_bench.row(1)))
            assert counted.expected == total - lost * len(arc_bench.whole())


class TestEvidence:
    """What cannot be compared is refused in one line."""

    def test_another_mode(self, shared_arc_bench):
        row = shared_arc_bench.row(5, FILTER="KN2")
        with pytest.raises(LayoutError, match=r"truth is of LensletMode.*KN3"):
            read_arc(shared_arc_bench.root, row)

    def test_another_order_of_lenslets(self, shared_arc_bench):
        def change(content):
            content["ROW"][[0, 100]] = content["ROW"][[100, 0]]

        with pytest.raises(LayoutError, match="must list the 2048 lit lenslets by row, then column"):
            read_arc(shared_arc_bench.root, shared_arc_bench.row(5, change))

    def test_truth_of_an_exposure_that_is_missing_or_another_s(self, shared_arc_bench):
        row = shared_arc_bench.row(5)
        with pytest.raises(ManifestError, match="has no truth"):
            read_arc(shared_arc_bench.root, replace(row, raw=("raw/none_LVL0_1.fits", row.raw[1])))
        other = hashlib.sha256(b"another").hexdigest()
        with pytest.raises(ManifestError, match="truth belongs to another raw file"):
            read_arc(shared_arc_bench.root, replace(row, raw_sha256=(other, row.raw_sha256[1])))

    def test_lamps_off_tell_nothing(self, arc_bench):
        """An exposure without lines is left out, its flexure too; where none has lines, nothing can be judged."""
        arc_bench.write_truth()
        evidence = read_arc(arc_bench.root, arc_bench.row(1))
        arc_bench.lines = {"ARGON": arc_bench.lines["ARGON"], "KRYPTON": np.empty(0)}
        arc_bench.write_truth()
        row = arc_bench.row(2)
        assert len(read_arc(arc_bench.root, row).exposures) == 1 < len(evidence.exposures)
        content = read_layout(arc_bench.root / "truth/KRYPTON_TRUTH_1.fits", "TruthModel")[2]
        assert len(content["LINE_FLUX"]) == 0

    def test_truth_may_know_fewer_lenslets_than_the_mask_lights(self, arc_bench):
        arc_bench.write_truth()
        row = arc_bench.row(1)
        evidence = read_arc(arc_bench.root, row)
        whole, truth = arc_bench.whole(), evidence.truth
        names = ("x", "y", "throughput", "column", "row", "width", "scatter")
        part = replace(truth, **{name: getattr(truth, name)[whole] for name in names})
        part.write(arc_bench.root / row.truth)
        fewer = read_arc(arc_bench.root, row)
        assert fewer.good.all()
        assert fewer.good.sum() == evidence.good.sum() == len(whole)
        np.testing.assert_array_equal(SolutionErrors.of(fewer).error, SolutionErrors.of(evidence).error)


def test_bands_share_out_spectra_and_lines(shared_arc_bench):
    """Sixteen bands of 20 rows: each spectrum and each line in one of them; some hold no spectrum and say so."""
    row = shared_arc_bench.row(1)
    whole = {s.metric: s for s in sample_group(shared_arc_bench.root, [row])}
    bands = sample_group(shared_arc_bench.root, [row], blocks=4)
    assert {s.block for s in bands} == set(range(16))
    for name in ("wavelength.yield", "wavelength.purity", "wavelength.completeness"):
        parts = [s for s in bands if s.metric == name and not s.reason]
        assert sum(s.n for s in parts) == whole[name].n
    empty = [s for s in bands if s.reason]
    assert {s.reason for s in empty} <= {
        "not in this run: no spectrum lies wholly in it",
        "not in this run: nothing to count",
        "not in this run: fewer than 8 spectra lie wholly in it",
    }
