from dataclasses import replace

import pytest

from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.scores import BLURRED, HELDOUT, SHUFFLED, score_samples
from monai_vq.report.samples.words import find_sample_cautions, format_p, is_valid_ranking, place_words, verdict


def test_the_verdict_says_whether_samples_are_copies_and_its_numbers(scores, samples, copies, train, heldout):
    assert verdict(scores.memorisation).startswith("No sign of memorisation")
    test = score_samples(copies, train, heldout).memorisation
    words = verdict(test)
    assert "30 of 30 samples are copies of training slices" in words
    assert "in 100% of cases" in words
    assert "p < 0.0001" in words
    closer = verdict(replace(test, num_copies=0))
    assert closer.startswith("Memorisation: samples are closer")
    one = verdict(replace(scores.memorisation, num_copies=1))
    assert one.startswith("Memorisation: 1 of 36 samples is a copy")


def test_the_place_is_given_in_multiples_of_the_known_sets(scores):
    frechet = scores.distances.set_index("images")["frechet"]
    words = place_words(scores)
    for name in (HELDOUT, BLURRED, SHUFFLED):
        assert f"{frechet[SAMPLES] / frechet[name]:.2g} times" in words


def test_a_dataset_on_which_the_distances_rank_wrongly_says_so(scores):
    ordered = scores.distances.set_index("images")
    ordered.loc[[HELDOUT, BLURRED, SHUFFLED], ["frechet", "mmd"]] = [[900, 900], [1000, 1000], [2000, 2000]]
    right = ordered.reset_index()
    ordered.loc[BLURRED, "mmd"] = 800
    wrong = ordered.reset_index()
    assert is_valid_ranking(right)
    assert not is_valid_ranking(wrong)
    said = [
        any("do not rank" in words for words in find_sample_cautions(replace(scores, distances=t)))
        for t in (right, wrong)
    ]
    assert said == [False, True]


def test_few_samples_and_few_people_are_cautions(scores):
    words = " ".join(find_sample_cautions(scores))
    assert "Only 36 samples" in words
    assert "Only 6 held-out patients" in words
    assert "split is by image" in " ".join(find_sample_cautions(scores, unit="image"))


@pytest.mark.parametrize(("p", "words"), [(1e-9, "< 0.0001"), (0.0213, "0.021"), (0.31, "0.31"), (1.0, "1.00")])
def test_p_values_have_few_digits(p, words):
    assert format_p(p) == words
