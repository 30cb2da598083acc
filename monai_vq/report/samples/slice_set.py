"""Images with a row of words about each: what samples are judged from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from torch import Tensor

from monai_vq.errors import InputError

__all__ = ["MIN_SAMPLES", "SLICE_IDS", "SliceSet", "SliceStream", "check_sets"]

SLICE_IDS = ("patient_id", "scan_id", "slice_index")
MIN_SAMPLES = 2
CHUNK = 1024  # slices of a stream in memory at a time: 0.3 GB at 256 x 256 pixels


@dataclass(frozen=True)
class SliceSet:
    """Images and a table about them.

    Attributes:
        images: [N, C, H, W] in [0, 1].
        rows: a row an image, in the same order. Real slices have `SLICE_IDS`. Samples need no column; what they were
            conditioned on is one each, under the manifest's name, as is `slice_position` (0 to 1).
    """

    images: Tensor
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        rows = self.rows if self.rows.shape[1] else pd.DataFrame(index=range(len(self.images)))
        if len(rows) != len(self.images):
            raise InputError(f"{len(self.images)} images have {len(rows)} rows: give a row an image, in their order.")
        object.__setattr__(self, "rows", rows.reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.images)

    def take(self, places: Sequence[int] | np.ndarray) -> Self:
        """Returns the images of some places, in their order, with their rows."""
        chosen = np.asarray(places, dtype=np.int64)
        return type(self)(self.images[chosen], self.rows.iloc[chosen])

    def stream(self) -> SliceStream:
        """Returns the set as what a search walks through."""
        return SliceStream(self.rows, lambda places: self.images[np.asarray(places, dtype=np.int64)])


@dataclass(frozen=True)
class SliceStream:
    """Slices that are too many for memory, with a table about them.

    Attributes:
        rows: a row a slice, as of `SliceSet`.
        load: takes places to images [N, C, H, W] in [0, 1].
    """

    rows: pd.DataFrame
    load: Callable[[Sequence[int]], Tensor]

    def __len__(self) -> int:
        return len(self.rows)

    def chunks(self) -> Iterator[Tensor]:
        """Yields all images in their order, at most `CHUNK` at a time."""
        for first in range(0, len(self), CHUNK):
            yield self.load(range(first, min(first + CHUNK, len(self))))

    def take(self, places: Sequence[int]) -> SliceSet:
        """Returns the slices of some places, in memory."""
        return SliceSet(self.load(places), self.rows.iloc[list(places)])


def check_sets(samples: SliceSet, train: SliceSet, heldout: SliceSet) -> None:
    """Refuses sets that cannot be compared.

    Raises:
        InputError: sizes differ, a set is too small, a column is missing, or a held-out patient was trained on.
    """
    sizes = {name: tuple(s.images.shape[1:]) for name, s in _named(samples, train, heldout)}
    if len(set(sizes.values())) > 1:
        raise InputError(f"images of several sizes [C, H, W]: {sizes}. Give all at the size of training.")
    for name, images in _named(samples, train, heldout):
        needed = 2 * MIN_SAMPLES if images is train else MIN_SAMPLES
        if len(images) < needed:
            raise InputError(f"{len(images)} {name}, expected at least {needed}: give more of them.")
    for name, real in (("training slices", train), ("held-out slices", heldout)):
        missing = [column for column in SLICE_IDS if column not in real.rows]
        if missing:
            raise InputError(f"the {name} lack the columns {missing}; they need {list(SLICE_IDS)}.")
    shared = sorted(set(train.rows["patient_id"]) & set(heldout.rows["patient_id"]))
    if shared:
        raise InputError(
            f"{len(shared)} held-out patient(s) are also training patients, first {shared[0]!r}: "
            "the comparison would hide copies. Give slices of another split."
        )


def _named(samples: SliceSet, train: SliceSet, heldout: SliceSet) -> list[tuple[str, SliceSet]]:
    return [("samples", samples), ("training slices", train), ("held-out slices", heldout)]
