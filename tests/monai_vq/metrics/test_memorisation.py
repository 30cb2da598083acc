import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from monai_vq.errors import InputError
from monai_vq.metrics.memorisation import memorisation_test, nearest_training


@pytest.fixture(scope="module")
def heldout_similarity(train_slices, heldout_slices):
    return nearest_training(heldout_slices[0], train_slices[0]).similarity


def near_copies(kind, train):
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(train), generator=generator)[:40]
    images = train[chosen]
    if kind == "noise":
        images = images + 0.03 * torch.randn(images.shape, generator=generator)
    elif kind == "shift":
        images = torch.roll(images, (2, -1), (2, 3))
    elif kind == "other contrast":
        images = 0.1 + 0.7 * images
    return chosen.numpy(), images.clamp(0, 1)


@pytest.mark.parametrize("kind", ["exact", "noise", "shift", "other contrast"])
def test_near_copies_are_traced_to_their_slice_and_the_test_fires(
    kind, train_slices, heldout_slices, heldout_similarity
):
    chosen, copies = near_copies(kind, train_slices[0])
    found = nearest_training(copies, train_slices[0])
    assert (found.index == chosen).mean() > 0.95
    test = memorisation_test(found.similarity, heldout_similarity, heldout_slices[1])
    assert test.p < 0.001
    assert test.share_above > 0.95
    assert test.fires


def test_does_not_fire_on_slices_of_other_held_out_patients(train_slices, heldout_slices, heldout_similarity):
    ids = np.unique(heldout_slices[1])
    for first in range(3):
        mine = np.isin(heldout_slices[1], ids[first::3])
        test = memorisation_test(heldout_similarity[mine], heldout_similarity[~mine], heldout_slices[1][~mine])
        assert test.p > 0.05
        assert test.num_copies == 0
        assert not test.fires


def test_a_few_copies_among_many_new_slices_are_found_one_by_one(train_slices, heldout_slices, heldout_similarity):
    ids = np.unique(heldout_slices[1])
    new = np.isin(heldout_slices[1], ids[:3])
    _, copies = near_copies("noise", train_slices[0])
    similarity = nearest_training(copies[:2], train_slices[0]).similarity
    test = memorisation_test(
        np.concatenate([heldout_similarity[new], similarity]), heldout_similarity[~new], heldout_slices[1][~new]
    )
    assert test.p > 0.05  # two of 26 do not move the whole
    assert test.num_copies == 2
    assert test.fires


def test_with_one_slice_a_patient_it_is_the_mann_whitney_test():
    rng = np.random.default_rng(0)
    samples, heldout = rng.normal(0.3, 1, 40), rng.normal(size=30)
    test = memorisation_test(samples, heldout, np.arange(30))
    exact = mannwhitneyu(samples, heldout, alternative="greater", method="asymptotic", use_continuity=False)
    assert test.p == pytest.approx(exact.pvalue)
    assert test.win_share == pytest.approx(exact.statistic / (40 * 30))


def test_the_slices_of_a_patient_are_not_counted_as_people():
    rng = np.random.default_rng(0)
    wrong, wrong_by_slices = 0, 0
    for _ in range(150):  # nothing is memorised, but patients differ
        heldout = (rng.normal(size=(7, 1)) + 0.3 * rng.normal(size=(7, 40))).ravel()
        samples = rng.normal(size=100) + 0.3 * rng.normal(size=100)
        test = memorisation_test(samples, heldout, np.repeat(np.arange(7), 40))
        wrong += test.p < 0.05
        wrong_by_slices += test.p_slices < 0.05
    assert wrong / 150 < 0.08
    assert wrong_by_slices / 150 > 0.2


def test_the_threshold_gives_each_patient_equal_weight():
    heldout = np.concatenate([np.linspace(0.5, 0.6, 1000), np.linspace(0.7, 0.8, 11)])
    test = memorisation_test(np.array([0.75, 0.85]), heldout, ["A"] * 1000 + ["B"] * 11)
    assert test.threshold == pytest.approx(0.79)
    assert test.share_above == 0.5
    assert test.copy_threshold == pytest.approx(0.9)


def test_colour_images_and_large_ones_are_compared_and_a_blank_one_resembles_nothing():
    train = torch.rand(5, 3, 90, 130, generator=torch.Generator().manual_seed(0))
    found = nearest_training(torch.cat([train[3:], torch.full((1, 3, 90, 130), 0.4)]), train)
    assert found.index[:2].tolist() == [3, 4]
    assert found.similarity == pytest.approx([1, 1, 0], abs=1e-4)


def test_batches_do_not_change_the_result(monkeypatch, train_slices, heldout_slices):
    whole = nearest_training(heldout_slices[0][:20], train_slices[0])
    monkeypatch.setattr("monai_vq.metrics.memorisation.TRAINING", 17)
    monkeypatch.setattr("monai_vq.metrics.memorisation.QUERIES", 6)
    parts = nearest_training(heldout_slices[0][:20], train_slices[0])
    assert np.array_equal(whole.index, parts.index)
    assert np.allclose(whole.similarity, parts.similarity, atol=1e-6)


def test_training_slices_may_come_in_parts(train_slices, heldout_slices):
    whole = nearest_training(heldout_slices[0][:20], train_slices[0])
    parts = nearest_training(heldout_slices[0][:20], iter(train_slices[0].split(17)))
    assert np.array_equal(whole.index, parts.index)
    with pytest.raises(InputError, match="got none"):
        nearest_training(heldout_slices[0][:20], iter([]))


def test_images_of_another_size_are_refused():
    with pytest.raises(InputError, match=r"\[2, 1, 8, 8\] and \[3, 1, 8, 9\]"):
        nearest_training(torch.zeros(2, 1, 8, 8), torch.zeros(3, 1, 8, 9))


@pytest.mark.parametrize(("samples", "heldout", "ids"), [(0, 3, 3), (3, 0, 0), (3, 3, 2)])
def test_what_cannot_be_tested_is_refused(samples, heldout, ids):
    with pytest.raises(InputError, match=f"{samples} samples, {heldout} held-out slices, {ids} patient ids"):
        memorisation_test(np.zeros(samples), np.zeros(heldout), np.zeros(ids))
