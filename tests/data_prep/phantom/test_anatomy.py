import numpy as np
import pytest

from data_prep.phantom.anatomy import draw_anatomy


def draw(age: float = 70, diagnosis: str = "CN", seed: int = 0):
    return draw_anatomy(np.random.default_rng(seed), age=age, diagnosis=diagnosis, sex="F")


@pytest.mark.parametrize("changed", [draw(age=75), draw(diagnosis="AD")])
def test_only_atrophy_depends_on_age_and_diagnosis(changed):
    base = draw()
    assert changed.ventricle_width > base.ventricle_width
    assert changed.sulcus_width > base.sulcus_width
    assert changed.cortex_thickness < base.cortex_thickness
    assert (changed.scale, changed.petalia, changed.grey, changed.white) == (
        base.scale, base.petalia, base.grey, base.white,
    )  # fmt: skip
    np.testing.assert_array_equal(changed.sulci, base.sulci)


def test_folds_of_two_patients_are_unrelated():
    first, second = draw(seed=0).sulci, draw(seed=1).sulci
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
