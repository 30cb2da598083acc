"""Conditions of a dataset: what the training patients teach, and the others' values in these terms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from monai_vq.data.condition_rows import condition_rows
from monai_vq.priors import Categorical, ConditionEmbedding, ConditionFields

logger = logging.getLogger(__name__)


def learn_fields(dataset_dir: str, conditions: Sequence[str]) -> ConditionFields:
    """Returns the conditions with the classes, or mean and standard deviation, of the training patients' slices.

    Raises:
        InputError: if the manifest lacks one, or the training patients have less than two known values of it.
    """
    return ConditionFields.from_rows(conditions, condition_rows(dataset_dir, "train") if conditions else [])


def embed_conditions(fields: ConditionFields, dim: int, dropout: float) -> ConditionEmbedding | None:
    """Returns the embedding of a prior's conditions, for its bundle; None for a prior without conditions."""
    return ConditionEmbedding(fields, dim, dropout) if fields.fields else None


def encode_known(fields: ConditionFields, rows: Sequence[Mapping[str, Any]]) -> Tensor:
    """Returns the condition tensor [N, C] of slices; a class that no training patient has counts as unknown."""
    unseen: set[str] = set()
    known = []
    for row in rows:
        known.append(dict(row))
        for field in fields.fields:
            value = row.get(field.name)
            if isinstance(field, Categorical) and value is not None and str(value) not in field.values:
                known[-1][field.name] = None
                unseen.add(f"{field.name} {value}")
    if unseen:
        logger.warning(f"no training patient has {', '.join(sorted(unseen))}: it counts as unknown.")
    return fields.encode(known)
