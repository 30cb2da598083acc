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
from monai_vq.report.samples.positions import POSITION, PositionMatch, match_positions
from monai_vq.report.samples.slice_set import SLICE_IDS, SliceSet, SliceStream, check_sets

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
MAX_REFERENCE = 2000  # held-out slices whose nearest training slices are sought: more take hours in a large split


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
        nearest: place of the nearest training slice among those that were searched, int64 [N].
        num_searched: training slices among which the nearest were sought.
        heldout_similarity: of held-out slices to their own nearest training slices, [L], at most `MAX_REFERENCE`.
        memorisation: the test on these similarities.
        sample_diversity: MS-SSIM between samples.
        real_diversity: MS-SSIM between held-out slices of different patients.
        positions: which of the training and the held-out slices the samples are compared with.
        features: with which the distances were computed.
    """

    distances: pd.DataFrame
    decoded_distances: pd.DataFrame | None
    groups: GroupDistances | None
    neighbours: pd.DataFrame
    nearest: np.ndarray
    num_searched: int
    heldout_similarity: np.ndarray
    memorisation: MemorisationTest
    sample_diversity: Diversity
    real_diversity: Diversity
    positions: PositionMatch
    features: SampleFeatures


def score_samples(
    samples: SliceSet,
    train: SliceSet,
    heldout: SliceSet,
    *,
    condition: str | None = None,
    reconstruct: Callable[[Tensor], Tensor] | None = None,
    searched: SliceStream | None = None,
    seed: int = 0,
) -> SampleScores:
    """Scores samples beside training slices and slices of held-out patients.

    Where samples have a `slice_position`, distances and the held-out slices of the memorisation test are of slices at
    their positions, as `match_positions` draws them; nearest slices are sought at all positions.

    Args:
        samples: to be judged; at least as many as will be trusted, 100 say.
        train: the slices that the prior was trained on.
        heldout: slices of patients that neither the prior nor stage 1 was trained on.
        condition: a categorical column of all three sets by which distances are given as well, such as `diagnosis`.
        reconstruct: takes images [N, C, H, W] to their reconstructions by stage 1, on the images' device.
        searched: all training slices, of which `train` may be a part: copies are sought among them; None takes `train`.
        seed: of every draw.

    Raises:
        InputError: the sets cannot be compared, as `check_sets` says, or lack the condition.
    """
    check_sets(samples, train, heldout)
    searched = searched or train.stream()
    features, match = SampleFeatures.fit(train.images), match_positions(samples, train, heldout, seed)
    train, heldout = train.take(match.train), heldout.take(match.heldout)
    real, new = features(train.images), features(samples.images)
    sets = {SAMPLES: new, HELDOUT: features(heldout.images)}
    found, own, test = _search(samples, heldout, searched, seed)
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
        neighbours=_neighbour_rows(samples, searched, found, test.threshold),
        nearest=found.index,
        num_searched=len(searched),
        heldout_similarity=own,
        memorisation=test,
        sample_diversity=_diversity(samples, None, match.is_matched, seed),
        real_diversity=_diversity(heldout, heldout.rows["patient_id"].to_numpy(), match.is_matched, seed),
        positions=match,
        features=features,
    )


def _search(
    samples: SliceSet, heldout: SliceSet, searched: SliceStream, seed: int
) -> tuple[Neighbours, np.ndarray, MemorisationTest]:
    """The samples' nearest training slices, the held-out slices' similarity to theirs, and the test; in one walk."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(heldout))[:MAX_REFERENCE])
    reference, N = heldout.take(chosen), len(samples)
    found = nearest_training(torch.cat([samples.images, reference.images]), searched.chunks())
    own = found.similarity[N:]
    test = memorisation_test(found.similarity[:N], own, reference.rows["patient_id"].to_numpy())
    return Neighbours(found.index[:N], found.similarity[:N]), own, test


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


def _neighbour_rows(samples: SliceSet, train: SliceStream, found: Neighbours, threshold: float) -> pd.DataFrame:
    nearest = train.rows[list(SLICE_IDS)].iloc[found.index].add_prefix("nearest_").reset_index(drop=True)
    numbers = pd.DataFrame({"sample": range(len(samples))})
    scores = pd.DataFrame({"similarity": found.similarity, "above_heldout": found.similarity > threshold})
    return pd.concat([numbers, samples.rows.drop(columns="sample", errors="ignore"), nearest, scores], axis=1)
