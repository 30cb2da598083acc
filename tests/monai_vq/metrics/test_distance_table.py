import numpy as np
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.metrics.degraded import blurred, shuffled_patches
from monai_vq.metrics.distance_table import HALVES, REPEATS, distance_table
from monai_vq.metrics.sample_features import SampleFeatures


@pytest.fixture(scope="module")
def tables(train_slices, heldout_slices):
    """Distances of known sets of phantom slices, under three seeds."""
    train, heldout = train_slices[0], heldout_slices[0]
    features = SampleFeatures.fit(train)
    generator = torch.Generator().manual_seed(0)
    sets = {
        "held-out": heldout,
        "blurred": blurred(train),
        "shuffled": shuffled_patches(train, generator),
        "noise": (train + 0.1 * torch.randn(train.shape, generator=generator)).clamp(0, 1),
        "other contrast": train**0.6,
        "one slice repeated": train[:1].expand(30, -1, -1, -1),
        "mean image": train.mean(dim=0, keepdim=True).expand(30, -1, -1, -1),
    }
    described = {name: features(images) for name, images in sets.items()}
    return [distance_table(features(train), described, 30, seed).set_index("images") for seed in range(3)]


@pytest.mark.parametrize("distance", ["frechet", "mmd"])
def test_ranks_real_halves_before_held_out_patients_before_blur_before_shuffled_patches(tables, distance):
    for table in tables:
        values = table[distance]
        assert values[HALVES] < values["held-out"] < values["blurred"] < values["shuffled"]


@pytest.mark.parametrize("distance", ["frechet", "mmd"])
@pytest.mark.parametrize("worse", ["noise", "other contrast", "one slice repeated", "mean image"])
def test_other_faults_are_farther_than_held_out_patients_too(tables, distance, worse):
    for table in tables:
        assert table.loc[worse, distance] > table.loc["held-out", distance]


def test_every_set_is_drawn_in_equal_numbers_again_and_again():
    rng = np.random.default_rng(0)
    sets = {"few": rng.normal(size=(12, 3)), "many": rng.normal(size=(500, 3))}
    table = distance_table(rng.normal(size=(81, 3)), sets)
    assert table["images"].tolist() == [HALVES, "few", "many"]
    assert set(table["n_images"]) == {12}
    assert set(table["n_reference"]) == {40}
    assert (table[["frechet_sd", "mmd_sd"]] > 0).all(axis=None)
    assert REPEATS > 1


def test_the_seed_decides_the_draws():
    rng = np.random.default_rng(0)
    train, sets = rng.normal(size=(40, 3)), {"new": rng.normal(size=(30, 3))}
    first, again, other = (distance_table(train, sets, 10, seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize(("number", "train"), [(None, 3), (20, 30)])
def test_too_few_images_are_refused(number, train):
    with pytest.raises(InputError, match=f"one half of {train} training slices"):
        distance_table(np.zeros((train, 3)), {"new": np.zeros((25, 3))}, number)
