"""What the scores of samples mean, in sentences."""

from __future__ import annotations

import pandas as pd

from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.metrics.distance_table import HALVES
from monai_vq.metrics.diversity import POSITION_TOLERANCE
from monai_vq.metrics.memorisation import PERCENTILE, SIGNIFICANT, MemorisationTest
from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.positions import POSITION
from monai_vq.report.samples.scores import BLURRED, HELDOUT, SHUFFLED, SampleScores
from monai_vq.report.samples.slice_set import SLICE_IDS

__all__ = ["comparison_words", "find_sample_cautions", "format_p", "is_valid_ranking", "place_words", "verdict"]

FEW_SAMPLES = 50  # at which the features' covariance is estimated from hardly more images than it has dimensions


def verdict(test: MemorisationTest) -> str:
    """The result of the memorisation test with its numbers, as a sentence or two."""
    numbers = (
        f"a random sample is closer to its nearest training slice than a random slice of a random held-out patient is "
        f"in {test.win_share:.0%} of cases (50% expected; one-sided p {_equals(test.p)}, {test.num_samples} samples "
        f"against {test.num_patients} held-out patients)"
    )
    advice = "Do not give away these samples or this prior as if they held nobody's images."
    if test.num_copies:
        copies = "samples is a copy" if test.num_copies == 1 else "samples are copies"
        found = f"{test.num_copies} of {test.num_samples} {copies} of training slices, shown first below"
        return f"Memorisation: {found}; {numbers}. {advice}"
    if test.fires:
        return f"Memorisation: samples are closer to training slices than held-out slices are; {numbers}. {advice}"
    return f"No sign of memorisation: no sample is a copy of a training slice, and {numbers}."


def place_words(scores: SampleScores) -> str:
    """Where the samples' Fréchet distance lies between what it is read beside, as a sentence."""
    table = scores.distances.set_index("images")["frechet"]
    ratios = {name: table[SAMPLES] / max(table[name], 1e-12) for name in (HELDOUT, BLURRED, SHUFFLED)}
    return (
        f"The samples' Fréchet distance to the training slices is {table[SAMPLES]:.4g}: {ratios[HELDOUT]:.2g} times "
        f"that of held-out patients, {ratios[BLURRED]:.2g} times that of blurred slices and {ratios[SHUFFLED]:.2g} "
        "times that of shuffled patches."
    )


def comparison_words(scores: SampleScores) -> str:
    """Which real slices the samples were compared with, and among how many copies were sought."""
    match = scores.positions
    where = (
        f"in proportion to the samples' positions, within {POSITION_TOLERANCE:g} of one"
        if match.is_matched
        else "of all positions"
    )
    return (
        f"Compared with {len(match.train)} training slices and {len(match.heldout)} held-out slices {where}; copies "
        f"were sought among {scores.num_searched} training slices, those of all positions."
    )


def is_valid_ranking(distances: pd.DataFrame) -> bool:
    """Whether both distances rank the known sets: other half < held-out patients < blurred < shuffled patches."""
    order = distances.set_index("images").loc[[HALVES, HELDOUT, BLURRED, SHUFFLED], ["frechet", "mmd"]]
    return bool((order.diff().iloc[1:] > 0).all(axis=None))


def find_sample_cautions(scores: SampleScores, unit: str = "patient") -> list[str]:
    """Sentences for the top of the page, none where nothing is wrong."""
    test, cautions = scores.memorisation, []
    if not is_valid_ranking(scores.distances):
        cautions.append(
            "On this dataset the distances do not rank the other half of the training slices, held-out patients, "
            "blurred slices and shuffled patches in this order: do not trust them here."
        )
    if test.num_samples < FEW_SAMPLES:
        cautions.append(f"Only {test.num_samples} samples: the distances are uncertain; draw {FEW_SAMPLES} or more.")
    if test.num_patients < FEW_PATIENTS:
        cautions.append(
            f"Only {test.num_patients} held-out {unit}s: their distance is that of few people, and the memorisation "
            "test finds only what is frequent."
        )
    if not test.fires and test.share_above > 2 * (1 - PERCENTILE / 100):
        cautions.append(
            f"{test.share_above:.0%} of the samples are closer to training than {PERCENTILE}% of the held-out slices, "
            f"though over all samples the test does not reach p < {SIGNIFICANT}."
        )
    cautions += _condition_cautions(scores)
    if unit != "patient":
        cautions.append(
            f"The split is by {unit}, not by patient: held-out {unit}s may show people that were trained on."
        )
    return cautions


def _condition_cautions(scores: SampleScores) -> list[str]:
    """What samples were drawn for that the real slices were not chosen by."""
    if scores.positions.is_matched:
        return []
    if scores.positions.too_few:
        return [
            "Hardly any real slices lie at the samples' positions, so the samples are compared with slices of all: "
            "they would seem far from training, and their nearest slices too near, however good they are."
        ]
    own = {"sample", "similarity", "above_heldout", POSITION, *SLICE_IDS, *(f"nearest_{name}" for name in SLICE_IDS)}
    names = [str(name) for name in scores.neighbours.columns if name not in own]
    if not names:
        return []
    return [
        f"The samples were drawn for {', '.join(names)}, the real slices were not chosen by it: where the samples are "
        "of few kinds, their distance and their similarity to training slices may show that alone."
    ]


def format_p(p: float) -> str:
    """A p value in words of few digits."""
    if p < 1e-4:
        return "< 0.0001"
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _equals(p: float) -> str:
    words = format_p(p)
    return words if words.startswith("<") else f"= {words}"
