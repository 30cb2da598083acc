import pandas as pd
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.report.samples.slice_set import SliceSet, check_sets


def test_images_keep_their_rows(train):
    taken = train.take([5, 0])
    assert torch.equal(taken.images, train.images[[5, 0]])
    assert taken.rows["slice_index"].tolist() == [45, 40]
    assert taken.rows.index.tolist() == [0, 1]


def test_samples_need_no_rows():
    assert len(SliceSet(torch.zeros(3, 1, 8, 8)).rows) == 3


def test_rows_are_as_many_as_images():
    with pytest.raises(InputError, match="3 images have 2 rows"):
        SliceSet(torch.zeros(3, 1, 8, 8), pd.DataFrame({"diagnosis": ["AD", "CN"]}))


def test_a_held_out_patient_that_was_trained_on_is_refused(samples, train, heldout):
    rows = heldout.rows.assign(patient_id=heldout.rows["patient_id"].replace("sub-50", "sub-03"))
    with pytest.raises(InputError, match=r"1 held-out patient.*first 'sub-03'"):
        check_sets(samples, train, SliceSet(heldout.images, rows))


def test_sets_that_cannot_be_compared_are_refused(samples, train, heldout):
    with pytest.raises(InputError, match="images of several sizes"):
        check_sets(SliceSet(samples.images[..., 1:]), train, heldout)
    with pytest.raises(InputError, match="1 samples, expected at least 2"):
        check_sets(samples.take([0]), train, heldout)
    with pytest.raises(InputError, match=r"training slices lack the columns \['scan_id'\]"):
        check_sets(samples, SliceSet(train.images, train.rows.drop(columns="scan_id")), heldout)
