"""Distances of samples by the condition that they were drawn for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from monai_vq.errors import InputError
from monai_vq.metrics.distance_table import distance_table
from monai_vq.report.samples.slice_set import SliceSet

__all__ = ["GROUP_HELDOUT", "MIN_GROUP", "OTHERS", "SAMPLES", "GroupDistances", "group_distances"]

SAMPLES = "samples"
GROUP_HELDOUT = "held-out patients of this group"
OTHERS = "training slices of the other groups"
MIN_GROUP = 10  # images of a set, below which a distance says nothing


@dataclass(frozen=True)
class GroupDistances:
    """Distances by the values of a column.

    Attributes:
        condition: the column.
        table: as `distance_table` gives it, to the training slices of the same group, with `value` first.
        left_out: for each group without distances, why.
    """

    condition: str
    table: pd.DataFrame
    left_out: dict[str, str]


def group_distances(
    condition: str,
    sets: tuple[SliceSet, SliceSet, SliceSet],
    features: tuple[np.ndarray, np.ndarray, np.ndarray],
    seed: int = 0,
) -> GroupDistances:
    """Compares each group's samples with training slices of the same group.

    Beside them stand held-out patients of the group, if there are enough of their slices, and training slices of the
    other groups: samples that follow their condition are nearer than these.

    Args:
        condition: a categorical column of all sets; images without a value belong to no group.
        sets: samples, training slices and held-out slices.
        features: of the same three, [N, d] each.
        seed: of the draws.

    Raises:
        InputError: a set lacks the column.
    """
    labels = [_labels(images, name, condition) for images, name in zip(sets, _NAMES, strict=True)]
    new, train, heldout = features
    tables, left_out = [], {}
    for value in sorted({str(value) for value in labels[0] if value is not None}):
        mine, real, held = (group == value for group in labels)
        others = ~real & (labels[1] != None)  # noqa: E711, an array of objects is compared element by element
        if mine.sum() < MIN_GROUP or real.sum() < 2 * MIN_GROUP:
            left_out[value] = (
                f"{mine.sum()} samples and {real.sum()} training slices, expected at least {MIN_GROUP} and "
                f"{2 * MIN_GROUP}"
            )
            continue
        named = {SAMPLES: new[mine], GROUP_HELDOUT: heldout[held], OTHERS: train[others]}
        enough = {name: group for name, group in named.items() if len(group) >= MIN_GROUP}
        tables.append(distance_table(train[real], enough, seed=seed).assign(value=value))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return GroupDistances(condition, table, left_out)


_NAMES = ("samples", "training slices", "held-out slices")


def _labels(images: SliceSet, name: str, condition: str) -> np.ndarray:
    """The column as words [N], None where it is empty."""
    if condition not in images.rows:
        raise InputError(
            f"the {name} have no column {condition!r}, they have {list(images.rows.columns)}: "
            "give a condition that all sets have, or none."
        )
    column = images.rows[condition]
    return np.array([None if pd.isna(value) or value == "" else str(value) for value in column], dtype=object)
