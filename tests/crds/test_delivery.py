"""Deliveries: certified, complete or absent, never changing what was there, and the same every time."""

import multiprocessing
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from iris_contract.dq import DQ
from iris_contract.errors import ReferenceFileError, RunDirectoryError
from iris_contract.reftypes import load_reference_types
from iris_reduction import delivery
from iris_reduction.cache import create_cache, read_config, use_cache
from iris_reduction.delivery import build_cache, deliver

MakeReference = Callable[..., Path]
MakeContent = Callable[[str, int], dict[str, Any]]


def fingerprint(cache: Path) -> dict[str, str]:
    """Hashes of everything in a cache but the lock."""
    files = [path for path in cache.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(cache).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def edit(path: Path, change: Callable[[fits.HDUList], None]) -> Path:
    with fits.open(path, mode="update") as hdus:
        change(hdus)
    return path


# --- a new cache -------------------------------------------------------------------------------


def test_first_context_covers_every_type(cache: Path) -> None:
    from crds.core import rmap

    context = use_cache(cache)
    imap = rmap.load_mapping(context).get_imap("iris")
    for kind in load_reference_types():
        assert imap.get_rmap(kind).reference_names() == []


def test_create_keeps_a_cache_that_is_there(cache: Path, make_reference: MakeReference) -> None:
    deliver(cache, [make_reference("dark")])
    before = fingerprint(cache)
    assert create_cache(cache) == "tmt_0002.pmap"
    assert fingerprint(cache) == before


def test_create_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="file"):
        create_cache(tmp_path / "file")


# --- what a delivery does ----------------------------------------------------------------------


def test_every_type_of_the_table_can_be_delivered(cache: Path, make_reference: MakeReference) -> None:
    files = [make_reference(kind) for kind in load_reference_types()]
    result = deliver(cache, files)
    assert result.context == "tmt_0002.pmap"
    assert result.names == {
        path: f"tmt_iris_{kind}_0001.fits" for path, kind in zip(files, load_reference_types(), strict=True)
    }
    for path, name in result.names.items():
        delivered = cache / "references" / "tmt" / "iris" / name
        assert delivered.read_bytes() == path.read_bytes()
        assert not delivered.stat().st_mode & 0o222


def test_names_count_on_and_old_contexts_never_change(cache: Path, make_reference: MakeReference) -> None:
    deliver(cache, [make_reference("dark", 1)])
    before = fingerprint(cache)
    result = deliver(cache, [make_reference("dark", 2), make_reference("flat", 2)])
    assert result.context == "tmt_0003.pmap"
    assert sorted(result.names.values()) == ["tmt_iris_dark_0002.fits", "tmt_iris_flat_0001.fits"]
    after = fingerprint(cache)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"config/tmt/server_config"}


def test_a_better_reference_for_the_same_time_replaces_in_the_new_context_only(
    cache: Path, make_reference: MakeReference
) -> None:
    from crds.core import rmap

    for _ in range(2):
        deliver(cache, [make_reference("dark", 1)])
    use_cache(cache)
    names = [rmap.load_mapping(f"tmt_iris_dark_000{n}.rmap").reference_names() for n in (2, 3)]
    assert names == [["tmt_iris_dark_0001.fits"], ["tmt_iris_dark_0002.fits"]]


def test_same_files_in_the_same_order_give_the_same_bytes(tmp_path: Path, make_reference: MakeReference) -> None:
    files = [make_reference(kind, night) for night in (1, 2) for kind in ("dark", "mask")]
    for name in ("one", "two"):
        create_cache(tmp_path / name)
        deliver(tmp_path / name, files)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_the_process_is_left_as_it_was(cache: Path, make_reference: MakeReference) -> None:
    before = {name: value for name, value in os.environ.items() if name.startswith("CRDS_")}
    deliver(cache, [make_reference("dark")])
    assert {name: value for name, value in os.environ.items() if name.startswith("CRDS_")} == before


def test_build_replaces_a_cache_or_leaves_it(tmp_path: Path, make_reference: MakeReference) -> None:
    build_cache(tmp_path / "crds", [make_reference("dark", 1)])
    assert build_cache(tmp_path / "crds", [make_reference("flat", 1)]).context == "tmt_0002.pmap"
    before = fingerprint(tmp_path / "crds")
    assert read_config(tmp_path / "crds")["references"] == ["tmt_iris_flat_0001.fits"]
    with pytest.raises(ReferenceFileError):
        build_cache(tmp_path / "crds", [tmp_path / "none.fits"])
    assert fingerprint(tmp_path / "crds") == before
    assert not list(tmp_path.glob(".crds*"))


def test_two_processes_deliver_one_after_the_other(cache: Path, make_reference: MakeReference) -> None:
    jobs = [(cache, [make_reference("dark", night)]) for night in (1, 2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.starmap(deliver, jobs)
    assert sorted(result.context for result in results) == ["tmt_0002.pmap", "tmt_0003.pmap"]
    assert read_config(cache)["references"] == ["tmt_iris_dark_0001.fits", "tmt_iris_dark_0002.fits"]


def test_interruption_before_the_switch_leaves_the_context_and_does_not_hinder(
    cache: Path, make_reference: MakeReference, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    path = make_reference("dark")
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "write_config", die)
        with pytest.raises(KeyboardInterrupt):
            deliver(cache, [path])
    assert use_cache(cache) == "tmt_0001.pmap"
    assert deliver(cache, [path]).context == "tmt_0002.pmap"
    create_cache(tmp_path / "undisturbed")
    deliver(tmp_path / "undisturbed", [path])
    assert fingerprint(cache) == fingerprint(tmp_path / "undisturbed")


def test_staging_folder_of_a_dead_delivery_is_swept(cache: Path, make_reference: MakeReference) -> None:
    (cache / "staging-dead").mkdir()
    deliver(cache, [make_reference("dark")])
    assert not list(cache.glob("staging-*"))


# --- what it refuses ---------------------------------------------------------------------------


def _wrong_dtype(hdus: fits.HDUList) -> None:
    hdus["DATA"].data = hdus["DATA"].data.astype(np.float64)


def _missing_keyword(hdus: fits.HDUList) -> None:
    del hdus[0].header["USEAFTER"]


def _nan(hdus: fits.HDUList) -> None:
    hdus["DATA"].data[1, 2] = np.nan


def _unknown_bit(hdus: fits.HDUList) -> None:
    hdus["DQ"].data[1, 2] = 1 << 3


def _missing_match_key(hdus: fits.HDUList) -> None:
    del hdus[0].header["READMODE"]


def _unknown_detector(hdus: fits.HDUList) -> None:
    hdus[0].header["DETECTOR"] = "IMG9"


def _wrong_region(hdus: fits.HDUList) -> None:
    hdus[0].header["XSIZE"] = 9


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (_wrong_dtype, "float32"),
        (_missing_keyword, "USEAFTER"),
        (_nan, "isfinite"),
        (_unknown_bit, "DQ"),
        (_missing_match_key, "READMODE"),
        (_unknown_detector, "DETECTOR"),
        (_wrong_region, "XSIZE"),
    ],
)
def test_bad_reference_is_refused_in_one_line_and_the_good_one_with_it(
    cache: Path, make_reference: MakeReference, damage: Callable[[fits.HDUList], None], word: str
) -> None:
    good, bad = make_reference("dark", 1), edit(make_reference("dark", 2), damage)
    before = fingerprint(cache)
    with pytest.raises(ReferenceFileError) as caught:
        deliver(cache, [good, bad])
    message = str(caught.value)
    assert message.startswith(f"{bad}: ")
    assert word in message
    assert "\n" not in message
    assert fingerprint(cache) == before


def test_certify_alone_would_refuse_a_wrong_dtype(cache: Path, make_reference: MakeReference) -> None:
    """The layout check comes first; the constraints for plain `crds certify` must say the same."""
    bad = edit(make_reference("dark"), _wrong_dtype)
    use_cache(cache)
    with pytest.raises(ReferenceFileError, match="DATA_TYPE=='float32'"):
        delivery._certify(bad, bad, "tmt_0001.pmap")


@pytest.mark.parametrize("kind", ["dark", "linearity", "arc", "fluxcal"])
def test_certify_looks_into_every_array_of_floats(
    cache: Path, make_reference: MakeReference, make_content: MakeContent, kind: str
) -> None:
    use_cache(cache)
    for hdu in load_reference_types()[kind].hdus:
        if hdu.dtype.startswith("float"):
            data = make_content(kind, 1)[hdu.name]
            data.flat[0] = np.nan
            path = make_reference(kind, content={hdu.name: data})
            with pytest.raises(ReferenceFileError, match=f"isfinite.{hdu.name}_ARRAY"):
                delivery._certify(path, path, "tmt_0001.pmap")


@pytest.mark.parametrize("kind", ["flat", "linearity"])
def test_nan_is_accepted_where_the_pixel_is_flagged(
    cache: Path, make_reference: MakeReference, make_content: MakeContent, kind: str
) -> None:
    content = make_content(kind, 1)
    for data in content.values():
        data[3, 4] = DQ["DO_NOT_USE"] | DQ["DEAD"] if data.dtype == np.uint32 else np.nan
    deliver(cache, [make_reference(kind, content=content)])


@pytest.mark.parametrize("kind", ["dark", "mask"])
def test_two_references_for_one_place_are_refused(cache: Path, make_reference: MakeReference, kind: str) -> None:
    first, second = make_reference(kind, 1), make_reference(kind, 1)
    with pytest.raises(ReferenceFileError, match="same match keys and time") as caught:
        deliver(cache, [first, second])
    assert str(first) in str(caught.value)


def test_what_is_not_a_reference_is_refused(cache: Path, tmp_path: Path) -> None:
    text = tmp_path / "dark.fits"
    text.write_text("not FITS")
    for files in ([text], [tmp_path / "none.fits"], []):
        with pytest.raises(ReferenceFileError):
            deliver(cache, files)


def test_delivery_without_a_cache(tmp_path: Path, make_reference: MakeReference) -> None:
    with pytest.raises(ReferenceFileError, match="no CRDS cache"):
        deliver(tmp_path / "nowhere", [make_reference("dark")])
