import numpy as np
import pandas as pd
import torch

from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.positions import match_positions
from monai_vq.report.samples.scores import HELDOUT, score_samples
from monai_vq.report.samples.slice_set import SliceSet
from monai_vq.report.samples.words import comparison_words, find_sample_cautions


def at(positions):
    return SliceSet(torch.zeros(len(positions), 1, 8, 8), pd.DataFrame({"slice_position": positions}))


def test_slices_are_drawn_in_proportion_to_the_samples_positions():
    everywhere = at(np.linspace(0, 1, 2001))
    samples = at([0.5] * 80 + [0.2] * 20)
    match = match_positions(samples, everywhere, everywhere)
    kept = everywhere.rows["slice_position"].to_numpy()[match.train]
    assert match.is_matched
    assert (np.minimum(np.abs(kept - 0.5), np.abs(kept - 0.2)) <= 0.0501).all()
    assert 0.1 < (kept < 0.35).mean() < 0.3


def test_samples_at_the_positions_of_all_slices_are_compared_with_all():
    positions = np.tile(np.linspace(0, 1, 5), 6)
    match = match_positions(at(positions[:10]), at(positions), at(positions))
    assert len(match.train) == len(match.heldout) == 30


def test_without_positions_or_slices_near_them_all_are_taken():
    real = at(np.linspace(0, 0.5, 50))
    for samples, too_few in (
        (SliceSet(torch.zeros(3, 1, 8, 8)), False),
        (at([0.9] * 3), True),
        (at(["unknown", 0.5]), False),
    ):
        match = match_positions(samples, real, real)
        assert not match.is_matched
        assert match.too_few == too_few
        assert len(match.train) == 50


def in_two_levels(images):
    """The same slices, every other one dark and first of its scan, the others bright and last."""
    level = np.arange(len(images)) % 2
    shade = torch.from_numpy(0.3 + 0.7 * level).float()[:, None, None, None]
    return SliceSet(images.images * shade, images.rows.assign(slice_position=level.astype(float)))


def test_perfect_samples_of_one_position_are_as_far_as_held_out_slices(samples, train, heldout):
    train, heldout = in_two_levels(train), in_two_levels(heldout)
    perfect = in_two_levels(samples).take(range(0, len(samples), 2))
    found, blind = (score_samples(drawn, train, heldout) for drawn in (perfect, SliceSet(perfect.images)))
    distances = [scores.distances.set_index("images")["mmd"] for scores in (found, blind)]
    excess = [table[SAMPLES] - table[HELDOUT] for table in distances]
    assert not found.memorisation.fires
    assert abs(excess[0]) < 0.3 * excess[1]
    assert "Compared with 48 training slices and 18 held-out slices in proportion" in comparison_words(found)
    assert "among 96 training slices" in comparison_words(found)


def test_a_condition_without_positions_is_a_caution(scores, samples, train, heldout):
    drawn = SliceSet(samples.images, samples.rows[["diagnosis"]])
    words = " ".join(find_sample_cautions(score_samples(drawn, train, heldout)))
    assert "drawn for diagnosis, the real slices were not chosen by it" in words
    assert "drawn for" not in " ".join(find_sample_cautions(scores))
