"""References are chosen by metadata and by date; what is missing is an error that says what was looked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import ReferenceFileError
from iris_contract.keywords import load_keywords
from iris_reduction.cache import create_cache, mapping_path, use_cache, write_config
from iris_reduction.delivery import deliver
from iris_reduction.selection import select

MakeReference = Callable[..., Path]


def pick(header: dict[str, Any], kind: str, cache: Path, **changes: Any) -> str:
    changed = {key.replace("_", "-"): value for key, value in changes.items()}
    return select(header | changed, [kind], cache)[kind].name


# --- by date: darks were measured at 18:00 of days 2 and 4, masks are valid from 00:00 ---------


@pytest.mark.parametrize(
    ("day", "time", "serial"),
    [("01", "00:00:00", 1), ("03", "17:59:59", 1), ("03", "18:00:01", 2), ("04", "09:00:00", 2), ("31", "00:00:00", 2)],
)
def test_closest_in_time_on_either_side(
    delivered: Path, science: dict[str, Any], day: str, time: str, serial: int
) -> None:
    chosen = pick(science, "dark", delivered, DATE_OBS=f"2035-01-{day}", TIME_OBS=time)
    assert chosen == f"tmt_iris_dark_000{serial}.fits"


@pytest.mark.parametrize(
    ("day", "time", "serial"),
    [("02", "00:00:00", 1), ("03", "23:59:59.999", 1), ("04", "00:00:00.000", 2), ("31", "00:00:00", 2)],
)
def test_last_that_is_valid(delivered: Path, science: dict[str, Any], day: str, time: str, serial: int) -> None:
    chosen = pick(science, "mask", delivered, DATE_OBS=f"2035-01-{day}", TIME_OBS=time)
    assert chosen == f"tmt_iris_mask_000{serial}.fits"


def test_before_all_that_are_valid_there_is_none(delivered: Path, science: dict[str, Any]) -> None:
    with pytest.raises(ReferenceFileError, match=r"no mask reference.*DATE-OBS='2035-01-01'"):
        pick(science, "mask", delivered, DATE_OBS="2035-01-01", TIME_OBS="23:59:59")


@given(hours=st.integers(0, 30 * 24))
def test_time_rules_agree_with_arithmetic(delivered: Path, science: dict[str, Any], hours: int) -> None:
    date, time = f"2035-01-{1 + hours // 24:02d}", f"{hours % 24:02d}:30:00"
    serial = min((1, 2), key=lambda n: abs(hours + 0.5 - (24 * (2 * n - 1) + 18)))
    assert pick(science, "dark", delivered, DATE_OBS=date, TIME_OBS=time) == f"tmt_iris_dark_000{serial}.fits"


# --- by metadata -------------------------------------------------------------------------------


@pytest.mark.parametrize(("filter_", "serial"), [("H", 1), ("Kbb", 2)])
def test_filter_selects_the_flat_in_whatever_case(
    delivered: Path, science: dict[str, Any], filter_: str, serial: int
) -> None:
    assert pick(science, "flat", delivered, FILTER=filter_) == f"tmt_iris_flat_000{serial}.fits"


def test_meta_paths_select_as_fits_keywords_do(delivered: Path, science: dict[str, Any]) -> None:
    meta = {load_keywords()[key].path: value for key, value in science.items()}
    assert select(meta, ["dark", "mask"], delivered) == select(science, ["dark", "mask"], delivered)


@pytest.mark.parametrize("region", [{"SUBARRAY": "FULL", "XSTART": 1, "XSIZE": 4096}, {"XSTART": 101, "XSIZE": 2}])
def test_region_does_not_select(delivered: Path, science: dict[str, Any], region: dict[str, Any]) -> None:
    assert pick(science | region, "dark", delivered) == "tmt_iris_dark_0002.fits"


def test_wrong_detector_is_refused_naming_kind_keys_and_file(delivered: Path, science: dict[str, Any]) -> None:
    with pytest.raises(ReferenceFileError) as caught:
        select(science | {"DETECTOR": "IMG2"}, ["mask", "dark"], delivered, file="raw.fits")
    message = str(caught.value)
    for part in ("raw.fits: ", "no mask reference", "tmt_0002.pmap", "DETECTOR='IMG2'", "DATE-OBS='2035-01-04'"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("kind", ["arc", "cheese"])
def test_type_without_reference_or_without_meaning(delivered: Path, science: dict[str, Any], kind: str) -> None:
    with pytest.raises(ReferenceFileError, match=f"no {kind} reference"):
        pick(science, kind, delivered)


def test_header_without_instrument(delivered: Path) -> None:
    with pytest.raises(ReferenceFileError, match=r"raw\.fits: .*nstrument"):
        select({"DETECTOR": "IMG1"}, ["dark"], delivered, file="raw.fits")


@pytest.mark.parametrize("kind", ["env", "arc"])
def test_types_without_keys_and_with_numbers_as_keys(
    cache: Path, make_reference: MakeReference, science: dict[str, Any], kind: str
) -> None:
    deliver(cache, [make_reference(kind, 1)])
    assert pick(science, kind, cache) == f"tmt_iris_{kind}_0001.fits"
    if kind == "arc":
        with pytest.raises(ReferenceFileError, match=r"SCALE=0\.05"):
            pick(science, kind, cache, SCALE=0.05)


COLUMN = {"LLMSKST": "FINE_MASK_CALIBRATION"}


def test_the_lit_column_selects_where_the_mask_has_one(
    cache: Path, make_reference: MakeReference, science: dict[str, Any]
) -> None:
    """Arcs of two columns, and of a mask for which the column is N/A, whatever a header says of it."""
    delivered = [COLUMN | {"LLMSKCOL": 3}, COLUMN | {"LLMSKCOL": 11}, {"LLMSKST": "FINE_MASK"}]
    deliver(cache, [make_reference("arc", 1, **cards) for cards in delivered])
    for serial, cards in enumerate([*delivered, {"LLMSKST": "FINE_MASK", "LLMSKCOL": 3}], 1):
        assert pick(science | cards, "arc", cache) == f"tmt_iris_arc_000{min(serial, 3)}.fits"
    with pytest.raises(ReferenceFileError, match="LLMSKST='FINE_MASK_CALIBRATION' LLMSKCOL=4"):
        pick(science | COLUMN, "arc", cache, LLMSKCOL=4)
    with pytest.raises(ReferenceFileError, match="no arc reference"):
        pick(science | COLUMN, "arc", cache)  # no column told: not any


def test_an_arc_of_a_single_column_must_tell_it(cache: Path, make_reference: MakeReference) -> None:
    for cards, told in (({}, "LLMSKCOL is missing"), ({"LLMSKCOL": 23}, "LLMSKCOL=23: must be one of 0, 1")):
        with pytest.raises(ReferenceFileError, match=told):
            deliver(cache, [make_reference("arc", 1, **COLUMN, **cards)])


def test_certify_asks_for_the_lit_column_by_itself(
    cache: Path, make_reference: MakeReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this package's own checks, as a delivery by other means."""
    monkeypatch.setattr("iris_reduction.delivery.check_file", lambda path: [])
    for cards, told in (({}, "Missing required keyword"), ({"LLMSKCOL": 23}, "'23' is not one of")):
        with pytest.raises(ReferenceFileError, match=told):
            deliver(cache, [make_reference("arc", 1, **COLUMN, **cards)])


def test_reference_for_several_filters(cache: Path, make_reference: MakeReference, science: dict[str, Any]) -> None:
    deliver(cache, [make_reference("flat", 1, P_FILTER="J|H|")])
    assert pick(science, "flat", cache, FILTER="J") == "tmt_iris_flat_0001.fits"
    with pytest.raises(ReferenceFileError):
        pick(science, "flat", cache, FILTER="Y")


def test_nothing_wanted_nothing_found(delivered: Path, science: dict[str, Any]) -> None:
    assert select(science, [], delivered) == {}


# --- caches and contexts -----------------------------------------------------------------------


def test_context_stays_until_asked_again(cache: Path, make_reference: MakeReference, science: dict[str, Any]) -> None:
    deliver(cache, [make_reference("dark", 1)])
    assert use_cache(cache) == "tmt_0002.pmap"
    deliver(cache, [make_reference("dark", 4)])
    assert select(science, ["dark"], cache, "tmt_0002.pmap")["dark"].name == "tmt_iris_dark_0001.fits"
    assert select(science, ["dark"], cache)["dark"].name == "tmt_iris_dark_0002.fits"


def test_one_cache_after_the_other(
    delivered: Path, cache: Path, make_reference: MakeReference, science: dict[str, Any]
) -> None:
    """Results that crds memoised for one cache must not serve the other."""
    deliver(cache, [make_reference("dark", 1)])
    for _ in range(2):
        for folder in (cache, delivered):
            assert select(science, ["dark"], folder)["dark"].is_relative_to(folder)


def test_unknown_context_and_missing_cache(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ReferenceFileError, match=r"tmt_0007\.pmap.*only tmt_0001\.pmap"):
        use_cache(cache, "tmt_0007.pmap")
    with pytest.raises(ReferenceFileError, match="no CRDS cache"):
        use_cache(tmp_path / "nowhere")


def test_cache_that_lost_a_file(cache: Path, make_reference: MakeReference, science: dict[str, Any]) -> None:
    deliver(cache, [make_reference("dark", 4)])
    (cache / "references" / "tmt" / "iris" / "tmt_iris_dark_0001.fits").unlink()
    with pytest.raises(ReferenceFileError, match=r"tmt_iris_dark_0001\.fits: .*cache lacks it"):
        pick(science, "dark", cache)


# --- the older vocabulary ----------------------------------------------------------------------

OLD_FLAT = """header = {
    'derived_from' : 'made by hand', 'filekind' : 'FLAT', 'instrument' : 'IRIS', 'mapping' : 'REFERENCE',
    'name' : 'tmt_iris_flat_0002.rmap', 'observatory' : 'TMT', 'sha1sum' : '',
    'classes' : ('Match', 'UseAfter'),
    'parkey' : (('META.INSTRUMENT.DETECTOR', 'META.INSTRUMENT.FILTER', 'META.INSTRUMENT.PUPIL'),
                ('META.OBSERVATION.DATE', 'META.OBSERVATION.TIME')),
}
selector = Match({
    ('IMG1', 'H', 'CLEAR') : UseAfter({'1980-01-01 00:00:00' : 'tmt_iris_flat_0001.fits'}),
    ('IMG1', 'H', 'STOP') : UseAfter({'1980-01-01 00:00:00' : 'tmt_iris_flat_0002.fits'}),
})
"""
OLD_DARK = OLD_FLAT.replace("FLAT", "DARK").replace("flat", "dark").replace("'META.INSTRUMENT.FILTER', ", "")
OLD_DARK = OLD_DARK.replace("'H', ", "").replace("META.INSTRUMENT.PUPIL", "META.SUBARRAY.NAME")
OLD_DARK = OLD_DARK.replace("'CLEAR'", "'FULL'").replace("'STOP'", "'CUSTOM'")


def _write_old(cache: Path, name: str, text: str) -> None:
    from crds.core import rmap

    kind = {"rmap": rmap.ReferenceMapping, "imap": rmap.InstrumentContext, "pmap": rmap.PipelineContext}
    mapping = kind[name.rsplit(".")[-1]].from_string(text, name, ignore_checksum=True)
    mapping.write(str(mapping_path(cache, name)))


@pytest.fixture
def old_cache(tmp_path: Path) -> Path:
    """Rules in the vocabulary of oirlab/tmt-crds-cache."""
    from iris_reduction.cache import read_config

    cache = tmp_path / "old"
    create_cache(cache)
    use_cache(cache)
    _write_old(cache, "tmt_iris_flat_0002.rmap", OLD_FLAT)
    _write_old(cache, "tmt_iris_dark_0002.rmap", OLD_DARK)
    for first, name, replaced in (
        (
            "tmt_iris_0001.imap",
            "tmt_iris_0002.imap",
            ("iris_flat_0001", "iris_flat_0002", "iris_dark_0001", "iris_dark_0002"),
        ),
        ("tmt_0001.pmap", "tmt_0002.pmap", ("iris_0001", "iris_0002")),
    ):
        text = mapping_path(cache, first).read_text()
        for old, new in zip(replaced[::2], replaced[1::2], strict=True):
            text = text.replace(old, new)
        _write_old(cache, name, text)
    config = read_config(cache)
    write_config(
        cache, config | {"latest_context": "tmt_0002.pmap", "mappings": [*config["mappings"], "tmt_0002.pmap"]}
    )
    return cache


@pytest.mark.parametrize(
    ("changes", "kind", "serial"),
    [
        ({"PUPIL": "CLEAR"}, "flat", 1),
        ({"PUPIL": "STOP"}, "flat", 2),
        ({"SUBARRAY": "FULL"}, "dark", 1),
        ({}, "dark", 2),
    ],
)
def test_old_vocabulary_resolves(
    old_cache: Path, science: dict[str, Any], changes: dict[str, str], kind: str, serial: int
) -> None:
    import crds

    use_cache(old_cache)
    found = crds.getrecommendations(science | changes, reftypes=(kind,), observatory="tmt")
    assert found == {kind: f"tmt_iris_{kind}_000{serial}.fits"}
