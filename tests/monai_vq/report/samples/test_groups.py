import numpy as np
import pandas as pd
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.metrics.distance_table import HALVES
from monai_vq.report.samples.groups import GROUP_HELDOUT, OTHERS, SAMPLES, group_distances
from monai_vq.report.samples.slice_set import SliceSet


def labelled(labels):
    return SliceSet(torch.zeros(len(labels), 1, 8, 8), pd.DataFrame({"diagnosis": labels}))


@pytest.fixture
def groups():
    """AD lies about 0 and CN about 5; the samples follow; MCI has samples, but too few, and one image has no label."""
    rng = np.random.default_rng(0)
    labels = [["AD"] * 20 + ["CN"] * 20 + ["MCI"] * 4 + [None], ["AD"] * 40 + ["CN"] * 40, ["AD"] * 15 + ["CN"] * 5]
    features = [rng.normal(size=(len(own), 3)) + 5 * np.array([[x == "CN"] for x in own]) for own in labels]
    return group_distances("diagnosis", tuple(labelled(own) for own in labels), tuple(features))


def test_samples_that_follow_their_condition_are_nearer_than_the_other_groups(groups):
    for value in ("AD", "CN"):
        table = groups.table[groups.table["value"] == value].set_index("images")
        assert table.loc[SAMPLES, "mmd"] < table.loc[OTHERS, "mmd"]
        assert table.loc[SAMPLES, "frechet"] < table.loc[OTHERS, "frechet"]


def test_too_small_groups_are_left_out_and_said_so(groups):
    assert set(groups.table["value"]) == {"AD", "CN"}
    assert groups.left_out == {"MCI": "4 samples and 0 training slices, expected at least 10 and 20"}
    named = groups.table.groupby("value")["images"].apply(list)
    assert named["AD"] == [HALVES, SAMPLES, GROUP_HELDOUT, OTHERS]
    assert named["CN"] == [HALVES, SAMPLES, OTHERS]  # 5 held-out slices are too few


def test_a_column_that_a_set_lacks_is_refused():
    sets = (labelled(["AD"] * 20), labelled(["AD"] * 20), SliceSet(torch.zeros(3, 1, 8, 8)))
    with pytest.raises(InputError, match="held-out slices have no column 'diagnosis'"):
        group_distances("diagnosis", sets, tuple(np.zeros((len(own), 3)) for own in sets))
