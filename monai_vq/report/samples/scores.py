"""Everything that is said in numbers about a set of samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from monai_vq.metrics.degraded import blurred, shuffled_patches
from monai_vq.metrics.distance_table import distance_table
from monai_vq.metrics.diversity import Diversity, diversity
from monai_vq.metrics.memorisation import MemorisationTest, Neighbours, memorisation_test, nearest_training
from monai_vq.metrics.sample_features import SampleFeatures
from monai_vq.report.samples.groups import SAMPLES, GroupDistances, group_distances
from monai_vq.report.samples.slice_set import SLICE_IDS, SliceSet, check_sets

__all__ = [
    "BLURRED",
    "HELDOUT",
    "HELDOUT_HAT",
    "SHUFFLED",
    "SampleScores",
    "score_samples",
]

HELDOUT = "held-out patients"
HELDOUT_HAT = "held-out patients, reconstructed"
BLURRED = "training slices, blurred"
SHUFFLED = "training slices, patches shuffled"
MAX_DEGRADED = 500  # training slices that are blurred and shuffled
BATCH = 32  # slices reconstructed at a time
POSITION = "slice_position"


@dataclass(frozen=True)
class SampleScores:
    """The scores of one set of samples.

    Attributes:
        distances: to the training slices, of the samples and of what they are read beside; see `distance_table`.
        decoded_distances: the same to *reconstructed* training slices, so that only the prior is judged and not the
            decoder; None where no reconstruction was given.
        groups: distances by condition; None where none was asked for.
        neighbours: a row a sample: `sample`, its conditions, `nearest_` and each of `SLICE_IDS` of the nearest training
            slice, `similarity` to it, and whether that is `above_heldout` slices' threshold.
        nearest: place of the nearest training slice in the training set, int64 [N].
        heldout_similarity: of each held-out slice to its own nearest training slice, [L].
        memorisation: the test on these similarities.
        sample_diversity: MS-SSIM between samples.
        real_diversity: MS-SSIM between held-out slices of different patients.
        matched_positions: whether both were compared at equal slice positions.
        features: with which the distances were computed.
    """

    distances: pd.DataFrame
    decoded_distances: pd.DataFrame | None
    groups: GroupDistances | None
    neighbours: pd.DataFrame
    nearest: np.ndarray
    heldout_similarity: np.ndarray
    memorisation: MemorisationTest
    sample_diversity: Diversity
    real_diversity: Diversity
    matched_positions: bool
    features: SampleFeatures


def score_samples(
    samples: SliceSet,
    train: SliceSet,
    heldout: SliceSet,
    *,
    condition: str | None = None,
    reconstruct: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
) -> SampleScores:
    """Scores samples beside training slices and slices of held-out patients.

    Args:
        samples: to be judged; at least as many as will be trusted, 100 say.
        train: the slices that the prior was trained on.
        heldout: slices of patients that neither the prior nor stage 1 was trained on.
        condition: a categorical column of all three sets by which distances are given as well, such as `diagnosis`.
        reconstruct: takes images [N, C, H, W] to their reconstructions by stage 1, on the images' device.
        seed: of every draw.

    Raises:
        InputError: the sets cannot be compared, as `check_sets` says, or lack the condition.
    """
    check_sets(samples, train, heldout)
    features = SampleFeatures.fit(train.images)
    real, new = features(train.images), features(samples.images)
    sets = {SAMPLES: new, HELDOUT: features(heldout.images)}
    found = nearest_training(samples.images, train.images)
    own = nearest_training(heldout.images, train.images).similarity
    test = memorisation_test(found.similarity, own, heldout.rows["patient_id"].to_numpy())
    matched = all(POSITION in images.rows for images in (samples, heldout))
    decoded = None if reconstruct is None else [_decode(s.images, reconstruct, features) for s in (train, heldout)]
    degraded = _degrade(train, features, seed)
    return SampleScores(
        distances=distance_table(real, sets | ({HELDOUT_HAT: decoded[1]} if decoded else {}) | degraded, seed=seed),
        decoded_distances=distance_table(decoded[0], {SAMPLES: new, HELDOUT_HAT: decoded[1]}, seed=seed)
        if decoded
        else None,
        groups=group_distances(condition, (samples, train, heldout), (new, real, sets[HELDOUT]), seed)
        if condition
        else None,
        neighbours=_neighbour_rows(samples, train, found, test.threshold),
        nearest=found.index,
        heldout_similarity=own,
        memorisation=test,
        sample_diversity=_diversity(samples, None, matched, seed),
        real_diversity=_diversity(heldout, heldout.rows["patient_id"].to_numpy(), matched, seed),
        matched_positions=matched,
        features=features,
    )


def _decode(images: Tensor, reconstruct: Callable[[Tensor], Tensor], features: SampleFeatures) -> np.ndarray:
    with torch.inference_mode():
        parts = [reconstruct(batch).float().clamp(0, 1).cpu() for batch in images.split(BATCH)]
    return features(torch.cat(parts))


def _degrade(train: SliceSet, features: SampleFeatures, seed: int) -> dict[str, np.ndarray]:
    generator = torch.Generator().manual_seed(seed)
    images = train.images[torch.randperm(len(train), generator=generator)[:MAX_DEGRADED]]
    return {BLURRED: features(blurred(images)), SHUFFLED: features(shuffled_patches(images, generator))}


def _diversity(images: SliceSet, patients: np.ndarray | None, matched: bool, seed: int) -> Diversity:
    positions = images.rows[POSITION].to_numpy(dtype=float) if matched else None
    return diversity(images.images, patients=patients, positions=positions, seed=seed)


def _neighbour_rows(samples: SliceSet, train: SliceSet, found: Neighbours, threshold: float) -> pd.DataFrame:
    nearest = train.rows[list(SLICE_IDS)].iloc[found.index].add_prefix("nearest_").reset_index(drop=True)
    numbers = pd.DataFrame({"sample": range(len(samples))})
    scores = pd.DataFrame({"similarity": found.similarity, "above_heldout": found.similarity > threshold})
    return pd.concat([numbers, samples.rows.drop(columns="sample", errors="ignore"), nearest, scores], axis=1)
