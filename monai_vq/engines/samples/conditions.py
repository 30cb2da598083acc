"""What samples are drawn for: the condition of each, and what a prior cannot be asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from monai_vq.data.condition_rows import SLICE_POSITION
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError
from monai_vq.priors import Continuous

logger = logging.getLogger(__name__)
FAR = 4.0  # standard deviations from the training mean


def given_conditions(condition: Mapping[str, Any] | None, number: int) -> list[dict[str, Any]]:
    """Returns the conditions of each of a number of samples; of a list each takes the next value.

    Raises:
        InputError: if a list is empty.
    """
    values = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in (condition or {}).items()}
    empty = [name for name, choices in values.items() if not choices]
    if empty:
        raise InputError(f"--condition {{'{empty[0]}': []}}: give one value or more, or leave {empty[0]} out.")
    return [{name: choices[i % len(choices)] for name, choices in values.items()} for i in range(number)]


def check_conditions(
    prior_run: PriorRun, condition: Mapping[str, Any] | None, guidance: float | None, num_samples: int
) -> None:
    """Refuses conditions that this prior has not learnt; warns of values far from what it was trained on.

    Raises:
        InputError: with the remedy.
    """
    given = given_conditions(condition, num_samples)
    for row in given:
        prior_run.fields.encode_given(row, 1)
    if guidance is not None and not prior_run.fields.fields:
        raise InputError(
            f"--guidance {guidance}: {prior_run.run_dir} was trained without conditions, so none can guide it; "
            "leave it out, or train a prior with --conditions."
        )
    _check_dropout(prior_run, given, guidance)
    for field in prior_run.fields.fields:
        if isinstance(field, Continuous):
            _check_range(field, [row.get(field.name) for row in given])


def _check_dropout(prior_run: PriorRun, given: Sequence[Mapping[str, Any]], guidance: float | None) -> None:
    """Refuses draws from the vectors of unknown conditions where training never used them."""
    config = json.loads((prior_run.run_dir / "config.json").read_text(encoding="utf-8"))
    if not prior_run.fields.fields or config.get("condition_dropout") != 0:
        return
    why = f"{prior_run.run_dir} was trained with --condition_dropout 0, so it never learnt to do without a condition"
    if guidance is not None:
        raise InputError(f"--guidance {guidance}: {why}; leave it out, or train with --condition_dropout 0.1.")
    for row in given:
        encoded = prior_run.fields.encode_given(row, 1)[0].isnan().tolist()
        missing = [name for name, unknown in zip(prior_run.fields.names, encoded, strict=True) if unknown]
        if missing:
            raise InputError(
                f"--condition lacks {', '.join(missing)}: {why}; give a value for each, or train with "
                "--condition_dropout 0.1."
            )


def _check_range(field: Continuous, values: Sequence[Any]) -> None:
    """Refuses slice numbers as positions; warns of numbers that training hardly saw."""
    for value in dict.fromkeys(str(value) for value in values):
        distance = field.encode(value)  # NaN where unknown, which is neither outside nor far
        number = field.mean + distance * field.sd
        if field.name == SLICE_POSITION:
            if number < -1e-6 or number > 1 + 1e-6:
                raise InputError(
                    f"slice_position {value}: expected a number from 0 to 1; 0 is the first slice with foreground, 1 "
                    "the last, whatever their numbers."
                )
        elif abs(distance) > FAR:
            logger.warning(
                "%s %s is %.1f standard deviations from the training mean, %.4g: the prior has hardly seen such images",
                field.name, value, abs(distance), field.mean,
            )  # fmt: skip
