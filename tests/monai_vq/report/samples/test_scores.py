import numpy as np
import pytest

from monai_vq.metrics.distance_table import HALVES
from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.scores import BLURRED, HELDOUT, HELDOUT_HAT, SHUFFLED, score_samples
from monai_vq.report.samples.slice_set import SliceSet


def test_samples_are_scored_beside_everything_that_says_what_a_distance_is_worth(scores):
    names = [HALVES, SAMPLES, HELDOUT, HELDOUT_HAT, BLURRED, SHUFFLED]
    assert scores.distances["images"].tolist() == names
    assert scores.decoded_distances["images"].tolist() == [HALVES, SAMPLES, HELDOUT_HAT]


def test_what_the_decoder_loses_is_told_apart_from_what_the_prior_gets_wrong(samples, train, heldout):
    def darken(images):
        return images * 0.7

    decoded = SliceSet(darken(samples.images), samples.rows)
    scores = score_samples(decoded, train, heldout, reconstruct=darken)
    to_real, to_decoded = (table.set_index("images")["mmd"] for table in (scores.distances, scores.decoded_distances))
    assert to_real[SAMPLES] > 3 * to_real[HELDOUT]
    assert to_real[HELDOUT_HAT] > 3 * to_real[HELDOUT]
    assert to_decoded[SAMPLES] == pytest.approx(to_decoded[HELDOUT_HAT], abs=0.2)


def test_neighbours_name_the_training_slice(copies, train, heldout):
    scores = score_samples(SliceSet(copies.images), train, heldout)
    rows = scores.neighbours
    assert scores.nearest.tolist() == list(range(0, 90, 3))
    assert rows["nearest_scan_id"].tolist() == copies.rows["scan_id"].tolist()
    assert rows["nearest_slice_index"].tolist() == copies.rows["slice_index"].tolist()
    assert rows["above_heldout"].all()
    assert scores.memorisation.fires


def test_new_patients_are_no_copies_and_conditions_stay_beside_them(scores, samples):
    assert not scores.memorisation.fires
    assert scores.neighbours["diagnosis"].tolist() == samples.rows["diagnosis"].tolist()
    expected = (scores.neighbours["similarity"] > scores.memorisation.threshold).mean()
    assert scores.memorisation.share_above == expected


def test_positions_are_matched_where_both_have_them(scores, samples, train, heldout):
    assert scores.positions.is_matched
    assert scores.real_diversity.num_pairs == 6 * 15  # 6 positions, pairs of 6 patients
    free = score_samples(SliceSet(samples.images), train, heldout)
    assert not free.positions.is_matched
    assert free.real_diversity.num_pairs > 6 * 15


def test_the_seed_decides_everything(scores, samples, train, heldout):
    again = score_samples(samples, train, heldout, condition="diagnosis", reconstruct=lambda x: x * 0.9)
    assert again.distances.equals(scores.distances)
    assert again.groups.table.equals(scores.groups.table)
    assert np.array_equal(again.nearest, scores.nearest)
