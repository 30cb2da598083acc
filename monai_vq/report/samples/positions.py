"""Real slices at the positions of samples: slices of one level are far from whole scans, however good they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from monai_vq.metrics.diversity import POSITION_TOLERANCE
from monai_vq.report.samples.slice_set import MIN_SAMPLES, SliceSet

__all__ = ["POSITION", "PositionMatch", "match_positions"]

POSITION = "slice_position"


@dataclass(frozen=True)
class PositionMatch:
    """Which real slices samples are compared with.

    Attributes:
        train: places among the training slices, ascending, int64.
        heldout: places among the held-out slices, ascending, int64.
        is_matched: whether they were drawn by position; otherwise they are all.
        too_few: whether the samples have positions, but hardly any real slices lie there.
    """

    train: np.ndarray
    heldout: np.ndarray
    is_matched: bool
    too_few: bool = False


def match_positions(samples: SliceSet, train: SliceSet, heldout: SliceSet, seed: int = 0) -> PositionMatch:
    """Draws training and held-out slices in proportion to the samples' positions.

    A slice is kept with a probability in proportion to the number of samples at most `POSITION_TOLERANCE` from it, and
    inversely to that of slices of its own set there; so none is left where no sample lies. Where a set has no
    positions, or too few slices would be left to be compared with, all are taken.

    Args:
        samples: with `slice_position`, each known, or without.
        train: training slices.
        heldout: held-out slices.
        seed: of the draw.
    """
    everything = np.arange(len(train)), np.arange(len(heldout))
    known = [found for images in (samples, train, heldout) if (found := _known_positions(images)) is not None]
    if len(known) < 3:
        return PositionMatch(*everything, is_matched=False)
    rng = np.random.default_rng(seed)
    kept_train, kept_heldout = (_draw(known[0], own, rng) for own in known[1:])
    if len(kept_train) < 2 * MIN_SAMPLES or len(kept_heldout) < MIN_SAMPLES:
        return PositionMatch(*everything, is_matched=False, too_few=True)
    return PositionMatch(kept_train, kept_heldout, is_matched=True)


def _known_positions(images: SliceSet) -> np.ndarray | None:
    """Positions [N]; None where one is unknown."""
    if POSITION not in images.rows:
        return None
    positions = pd.to_numeric(images.rows[POSITION], errors="coerce")  # a user may write "unknown"
    return None if positions.isna().any() else positions.to_numpy(dtype=float)


def _draw(drawn_for: np.ndarray, real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of the real slices that are kept, ascending."""
    ratio = _number_near(drawn_for, real) / _number_near(real, real)  # a slice is near itself, so never 0 / 0
    if not ratio.any():
        return np.array([], dtype=np.int64)
    return np.flatnonzero(rng.random(len(real)) < ratio / ratio.max())


def _number_near(positions: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """How many positions lie at most `POSITION_TOLERANCE` from each centre."""
    ordered, reach = np.sort(positions), POSITION_TOLERANCE + 1e-9
    return np.searchsorted(ordered, centres + reach, side="right") - np.searchsorted(ordered, centres - reach)
