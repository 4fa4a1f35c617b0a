"""What a header says of the spectrograph, there and back."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Exposure, Readout, Subarray, load_instrument
from iris_contract.errors import InputError
from iris_contract.keywords import find_problem, load_keywords
from iris_contract.lenslet import LensletMode

INSTRUMENT = load_instrument()
GOOD = {"SCALE": 0.009, "LLMSKST": "SERRATED_WIDE", "GRATING": "4000-H", "FILTER": "HN2"}
modes = st.builds(
    lambda mask, scale, grating, name, column: LensletMode(
        scale, mask, grating, name, column if mask == "FINE_MASK_CALIBRATION" else None
    ),
    st.sampled_from(INSTRUMENT.values["ifs.lenslet_masks"]),
    st.sampled_from(INSTRUMENT.values["ifs.lenslet_scales"]),
    st.sampled_from(sorted(INSTRUMENT.gratings)),
    st.sampled_from([*INSTRUMENT.filters, "dark"]),
    st.integers(0, 22),
)


@given(modes)
def test_mode_survives_the_header_with_cards_that_the_table_allows(mode):
    cards = mode.to_header()
    assert LensletMode.from_header(cards) == mode
    assert [find_problem(load_keywords()[key], value) for key, value in cards.items()] == [None] * len(cards)


def test_a_column_is_read_for_the_calibration_mask_only():
    assert LensletMode.from_header(GOOD | {"LLMSKCOL": 3}) == LensletMode(9.0, "SERRATED_WIDE", "4000-H", "HN2")
    assert LensletMode.from_header(GOOD | {"LLMSKST": "FINE_MASK_CALIBRATION", "LLMSKCOL": 3}).column == 3


@pytest.mark.parametrize("key", GOOD)
def test_missing_keyword_is_named(key):
    with pytest.raises(InputError, match=f"{key}=None: keyword is missing"):
        LensletMode.from_header({k: v for k, v in GOOD.items() if k != key})


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"SCALE": 0.025}, "SCALE=0.025: choose 0.004, 0.009 arcsec"),
        ({"SCALE": "0.004"}, "must be a number of arcsec"),
        ({"LLMSKST": "NONE"}, "LLMSKST='NONE': no such mask"),
        ({"GRATING": "NONE"}, "GRATING='NONE': no such grating"),
        ({"FILTER": "Kbb+KN3"}, "FILTER='Kbb.KN3': a header has one filter, not a series"),
        ({"FILTER": "through"}, "FILTER='through': no such filter"),
        ({"LLMSKST": "FINE_MASK_CALIBRATION"}, "LLMSKCOL=None"),
        ({"LLMSKST": "FINE_MASK_CALIBRATION", "LLMSKCOL": "3"}, "LLMSKCOL='3': must be an integer"),
        ({"LLMSKST": "FINE_MASK_CALIBRATION", "LLMSKCOL": True}, "LLMSKCOL=True: must be an integer"),
    ],
)
def test_what_the_instrument_does_not_have_is_named(card, message):
    with pytest.raises(InputError, match=message):
        LensletMode.from_header(GOOD | card)


def test_exposure_of_the_lenslets_agrees_with_its_mode():
    mode = LensletMode(4.0, "FINE_MASK", "4000-K", "KN3")
    command = {"subarray": Subarray(1, 1, 8, 8), "readout": Readout.up_the_ramp(3, 2.0), "number": 1, "lenslet": mode}
    command |= {"role": "arc", "image_type": "ARC", "start": datetime(2035, 1, 10)}
    assert Exposure(**command, detector="IFU", filter="KN3").instrument_mode == "LENSLET"
    for wrong in ({"detector": "IMG1"}, {"filter": "KN2"}):
        right = {"detector": "IFU", "filter": "KN3"}
        with pytest.raises(InputError, match="an exposure of the lenslets has IFU, KN3"):
            Exposure(**command, **(right | wrong))
