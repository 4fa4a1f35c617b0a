"""Nodes of the seed tree differ where their paths differ, and only there."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from iris_simulator.seeds import ExposureSeeds, derive_key, make_generator

PATHS = st.lists(st.one_of(st.text(max_size=5), st.integers(-(2**70), 2**70)), max_size=5)


@given(PATHS, PATHS)
def test_keys_are_equal_only_for_equal_paths(one: list[str | int], other: list[str | int]) -> None:
    assert (derive_key(*one) == derive_key(*other)) == (one == other)


def test_number_and_text_are_different_nodes() -> None:
    assert derive_key("a", 1) != derive_key("a", "1")


def test_key_is_the_same_in_every_process() -> None:
    digest = hashlib.blake2b(b'["exposure", 1, 2, "IMG1", 3, "dark"]', digest_size=8).digest()
    assert ExposureSeeds(1, 2, "IMG1", 3).stream("dark").key == int.from_bytes(digest, "little")


def test_every_branch_of_an_exposure_has_its_own_key() -> None:
    branches = [
        ExposureSeeds(seed, night, detector, exposure).stream(effect).key
        for seed in (1, 2)
        for night in (1, 2)
        for detector in ("IMG1", "IMG2")
        for exposure in (1, 2)
        for effect in ("dark", "photons")
    ]
    assert len(set(branches)) == len(branches)


def test_generator_repeats() -> None:
    assert make_generator("stars", 4).random() == make_generator("stars", 4).random()
