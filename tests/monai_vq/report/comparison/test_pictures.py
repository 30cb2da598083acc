import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from monai_vq.report.comparison.pictures import draw_shared_slices, shared_slices

FIRST = [("best", "sub-test01", 2), ("median", "sub-test02", 0), ("worst", "sub-test03", 1)]
OTHERS = [("best", "sub-test01", 2), ("median", "sub-test04", 0), ("worst", "sub-test03", 0)]


@pytest.fixture
def pictured(make_content, make_pictures, compare):
    """Two runs that keep one slice in common: of the best patient, not of the worst one's other slice."""
    return compare(
        first=make_content(pictures=make_pictures(FIRST)),
        second=make_content(pictures=make_pictures(OTHERS, error=0.2), seed=2),
        third=make_content(seed=3),
    )


def test_only_slices_that_two_runs_keep_are_shared(pictured):
    (shared,) = shared_slices(pictured)
    assert (shared.picture.patient_id, shared.picture.slice_index) == ("sub-test01", 2)
    assert list(shared.by_run) == ["first", "second"]
    assert shared.by_run["second"].error.mean() == pytest.approx(0.2)


def test_a_slice_that_looks_different_is_not_the_same(make_content, make_pictures, compare):
    pictures = make_pictures(FIRST)
    darker = [dataclasses.replace(picture, x=0.9 * picture.x) for picture in pictures]
    assert shared_slices(compare(a=make_content(pictures=pictures), b=make_content(pictures=darker))) == []
    smaller = [dataclasses.replace(picture, x=picture.x[1:]) for picture in pictures]
    assert shared_slices(compare(a=make_content(pictures=pictures), b=make_content(pictures=smaller))) == []


def test_errors_have_one_scale_over_all_runs_and_runs_without_pictures_no_row(pictured):
    uri, top = draw_shared_slices(shared_slices(pictured), ["first", "second", "third"])
    assert top == pytest.approx(0.2)
    two = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    uri, _ = draw_shared_slices(shared_slices(pictured), ["first", "third"])
    one = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert two.height > one.height
    assert np.ptp(np.asarray(two.convert("L"))) > 200
