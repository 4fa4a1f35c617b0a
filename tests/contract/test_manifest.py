"""Contract 2, the manifest: schema, row fields, round trip and refusals."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import ManifestError
from iris_contract.instrument import DETECTORS
from iris_contract.layouts import load_layouts
from iris_contract.manifest import MANIFEST_SCHEMA, SETTINGS, ManifestRow, read_manifest, write_manifest

FIELDS = {
    "product": "str",
    "product_sha256": "str",
    "model": "str",
    "night": "int",
    "setting": "str",
    "exposure": "str",
    "family": "str",
    "algorithm": "str",
    "raw": "tuple[str, ...]",
    "raw_sha256": "tuple[str, ...]",
    "truth": "str",
    "references": "dict[str, str]",
    "context": "str",
    "detector": "str",
}
ROW = {
    "product": "products/chain/ramp/gls/1/a.fits",
    "product_sha256": "0" * 64,
    "model": "RateModel",
    "night": 1,
    "setting": "chain",
    "exposure": "ladder",
    "family": "ramp",
    "algorithm": "gls",
    "raw": ["raw/chain/1/a.fits"],
    "raw_sha256": ["f" * 64],
    "truth": "truth/chain/1/a.fits",
}
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
names = st.from_regex(r"[a-z0-9_]{1,8}(/[a-zé ]{1,8}){0,3}\.fits", fullmatch=True)
hashes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@st.composite
def rows(draw):
    inputs = draw(st.lists(st.tuples(names, hashes), min_size=1, max_size=3))
    return ManifestRow(
        product=draw(names),
        product_sha256=draw(hashes),
        model=draw(st.sampled_from(sorted(load_layouts()))),
        night=draw(st.integers(1, 10**5)),
        setting=draw(st.sampled_from(SETTINGS)),
        exposure=draw(words),
        family=draw(words),
        algorithm=draw(words),
        raw=tuple(name for name, _ in inputs),
        raw_sha256=tuple(digest for _, digest in inputs),
        truth=draw(names),
        references=draw(st.dictionaries(words, words, max_size=3)),
        context=draw(st.text(st.characters(codec="utf-8"))),
        detector=draw(st.sampled_from(("", *DETECTORS))),
    )


def save(path, *entries, **top):
    content = {"schema": MANIFEST_SCHEMA, "rows": list(entries)} | top
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_schema_fields_and_settings_are_frozen():
    assert MANIFEST_SCHEMA == "iris-testbed/manifest/1"
    assert {f.name: f.type for f in fields(ManifestRow)} == FIELDS
    assert SETTINGS == ("alone", "chain", "stale")


def test_file_is_plain_json_with_the_rows_in_product_order(tmp_path):
    row = ManifestRow(**ROW | {"raw": ("a",), "raw_sha256": ("0" * 64,)})
    later = ManifestRow(**ROW | {"product": "z.fits", "raw": ("a",), "raw_sha256": ("0" * 64,)})
    write_manifest(tmp_path / "manifest.json", [later, row])
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert content["schema"] == MANIFEST_SCHEMA
    assert [set(entry) for entry in content["rows"]] == [set(FIELDS)] * 2
    assert [entry["product"] for entry in content["rows"]] == [row.product, "z.fits"]


@given(st.lists(rows(), max_size=4))
def test_round_trip(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    write_manifest(path, some)
    assert read_manifest(path) == sorted(some, key=lambda row: row.product)


def test_a_row_written_by_hand_needs_no_references_context_or_detector(tmp_path):
    (row,) = read_manifest(save(tmp_path / "m.json", ROW))
    assert (row.references, row.context, row.detector) == ({}, "", "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"product": "../a.fits"}, "product='../a.fits': path leaves the run directory"),
        ({"product": "a/../../a.fits"}, "path leaves the run directory"),
        ({"truth": "/etc/passwd"}, "truth='/etc/passwd': path leaves the run directory"),
        ({"raw": ["/dev/null"]}, "raw='/dev/null': path leaves the run directory"),
        ({"truth": "a\0b"}, "null character"),
        ({"product": ""}, "row 1: must be a non-empty string"),
        ({"product": 3}, "product=3: row 1: must be a non-empty string"),
        ({"night": 0}, "night=0: row 1: must be an integer from 1"),
        ({"night": True}, "must be an integer from 1"),
        ({"night": 1.0}, "must be an integer from 1"),
        ({"setting": "other"}, "setting='other': row 1: must be one of alone, chain, stale"),
        ({"model": "NoModel"}, "model='NoModel': row 1: no such layout"),
        ({"product_sha256": "A" * 64}, "must be 64 hexadecimal digits"),
        ({"raw": []}, "must be a non-empty list of strings"),
        ({"raw": "a.fits"}, "must be a non-empty list of strings"),
        ({"raw_sha256": ["0" * 64, "1" * 64]}, "needs one SHA-256 per raw file"),
        ({"references": ["dark"]}, "must map kinds to file names"),
        ({"references": {"dark": 1}}, "must map kinds to file names"),
        ({"context": None}, "context=None: row 1: must be a string"),
        ({"detector": "IMG9"}, "detector='IMG9': row 1: must be one of IMG1"),
        ({"verdict": "PASS"}, "verdict='PASS': row 1: unknown key"),
    ],
)
def test_wrong_row_is_refused_in_one_line(tmp_path, change, told):
    path = save(tmp_path / "m.json", ROW | change)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ROW)
def test_missing_key_is_named(tmp_path, key):
    entry = {name: value for name, value in ROW.items() if name != key}
    with pytest.raises(ManifestError, match=f"{key}=None: row 2: missing key"):
        read_manifest(save(tmp_path / "m.json", ROW, entry))


def test_a_link_out_of_the_run_directory_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "raw").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(ManifestError, match="path leaves the run directory"):
        read_manifest(save(tmp_path / "run" / "m.json", ROW | {"truth": "raw/secret.fits"}))


def test_row_gives_absolute_paths_inside_the_run_and_none_outside(tmp_path):
    row = ManifestRow(**ROW | {"truth": "../truth.fits"})
    assert row.path(tmp_path) == (tmp_path / ROW["product"]).resolve()
    with pytest.raises(ManifestError, match="truth="):
        row.path(tmp_path, "truth")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"text"', "\ufeff{}", "[" * 100_000, '{"schema": "iris-testbed/manifest/2"}'],
)
def test_broken_file_is_refused(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ManifestError):
        read_manifest(path)


def test_missing_directory_and_binary_files_are_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "binary"):
        with pytest.raises(ManifestError, match=path.name):
            read_manifest(path)


@pytest.mark.parametrize("rows", [None, {}, "rows", [3], [None], [[]]])
def test_rows_must_be_a_list_of_objects(tmp_path, rows):
    with pytest.raises(ManifestError, match="rows"):
        read_manifest(save(tmp_path / "m.json", rows=rows))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(FIELDS)), json_values)
def test_any_value_of_any_key_is_accepted_or_refused_cleanly(tmp_path_factory, key, value):
    path = save(tmp_path_factory.mktemp("manifest") / "m.json", ROW | {key: value})
    told, found = "", None
    try:
        found = getattr(*read_manifest(path), key)
    except ManifestError as error:
        told = str(error)
    assert len(told.splitlines()) == 1 or (list(found) if isinstance(found, tuple) else found) == value
