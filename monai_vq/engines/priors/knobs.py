"""The settings of the bundles that train priors, draw from them and look for the abnormal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from monai_vq.errors import InputError

# name: (types, None allowed), as in `monai_vq.engines.knobs.KNOBS`.
PRIOR_KNOBS: dict[str, tuple[tuple[type, ...], bool]] = {
    "stage1_dir": ((str,), True),  # of a prior's own run it is known
    "conditions": ((list,), False),
    "condition_dropout": ((float,), False),
    "prior_dim": ((int,), False),
    "num_layers": ((int,), False),
    "num_heads": ((int,), False),
    "prior_dropout": ((float,), False),
    "patience": ((int,), True),
    "sample_interval": ((int,), False),
    "run_dir": ((str,), False),
    "num_samples": ((int,), False),
    "condition": ((dict,), True),
    "temperature": ((float,), False),
    "top_k": ((int,), True),
    "top_p": ((float,), True),
    "guidance": ((float,), True),
    "output_format": ((str,), False),
    "judge": ((bool,), False),
    "prior_dataset_dir": ((str,), False),
    "split": ((str,), False),
    "plant_lesions": ((bool,), False),
    "num_restorations": ((int,), False),
}
AT_LEAST_ONE = (
    *("prior_dim", "num_layers", "num_heads", "patience", "sample_interval"),
    *("num_samples", "top_k", "num_restorations"),
)
NOT_NEGATIVE = ("guidance",)
POSITIVE = ("temperature",)
OUTPUT_FORMATS = ("npy", "nifti")


def as_list(value: Any) -> Any:
    """Returns names as a list: a command line makes ``diagnosis`` a string, and ``none`` a word or None."""
    if value is None or (isinstance(value, str) and value.lower() in ("", "none", "null")):
        return []
    return [name.strip() for name in value.strip("[] ").split(",")] if isinstance(value, str) else value


def check_prior_ranges(config: Mapping[str, Any]) -> None:
    """Refuses values that no prior can have, where they are plain values.

    Raises:
        InputError: naming the setting and what was expected.
    """
    for name in ("condition_dropout", "prior_dropout"):
        if isinstance(config.get(name), float) and not 0 <= config[name] < 1:
            raise InputError(f"--{name} {config[name]} must be at least 0 and below 1.")
    top_p = config.get("top_p")
    if isinstance(top_p, float) and not 0 < top_p <= 1:
        raise InputError(f"--top_p {top_p} must lie above 0 and be at most 1; none draws from all codes.")
    dim, heads = config.get("prior_dim"), config.get("num_heads")
    if isinstance(dim, int) and isinstance(heads, int) and dim % heads:
        raise InputError(f"--num_heads {heads} must divide --prior_dim, {dim}.")
    output_format = config.get("output_format", OUTPUT_FORMATS[0])
    if output_format not in OUTPUT_FORMATS:
        raise InputError(f"--output_format {output_format!r}: expected one of {', '.join(OUTPUT_FORMATS)}.")
    conditions = config.get("conditions")
    if isinstance(conditions, list) and not all(isinstance(name, str) for name in conditions):
        raise InputError(f'--conditions {conditions!r}: expected columns of the manifest, such as "[diagnosis, age]".')
    if isinstance(conditions, list) and len(set(conditions)) < len(conditions):
        raise InputError(f"--conditions {conditions!r}: each column may be named once.")
    if "stage1_dir" in config and config["stage1_dir"] is None and "run_dir" not in config:
        raise InputError("--stage1_dir none: a prior stands on a finished run; give its output_dir.")
    _check_condition(config.get("condition"))


def _check_condition(condition: Any) -> None:
    """Refuses a value that is neither a number nor a word, nor a list of such."""
    for name, value in condition.items() if isinstance(condition, dict) else ():
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, (str, int, float)) or (isinstance(one, float) and not math.isfinite(one)):
                raise InputError(f"--condition {name}: {one!r} is neither a number nor a word.")
