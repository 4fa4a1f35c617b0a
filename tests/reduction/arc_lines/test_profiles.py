"""Profiles of patches: one that its lines cannot tell is left as the field's."""

import numpy as np
import pytest

from iris_reduction.arc_lines.profile import make_gaussian, measure_width
from iris_reduction.arc_lines.profiles import _is_sound


@pytest.mark.parametrize(
    ("sigma", "sound"), [((0.5, 0.6), True), ((0.55, 0.66), True), ((0.9, 0.6), False), ((0.5, 0.35), False)]
)
def test_a_patch_is_about_as_wide_as_the_field(sigma, sound):
    profile = make_gaussian(*sigma)
    assert _is_sound(profile, measure_width(profile), np.array([0.5, 0.6])) is sound


def test_a_profile_that_swings_below_zero_is_none():
    profile = make_gaussian(0.5, 0.6)
    swinging = profile.copy()
    swinging[2, 2] = -0.2 * profile.max()
    before = np.array(measure_width(profile))
    assert _is_sound(profile, measure_width(profile), before)
    assert not _is_sound(swinging, measure_width(profile), before)
