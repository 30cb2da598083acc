"""The settings of a bundle: known by name and type, whatever the command line made of them."""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Mapping
from pydoc import locate
from types import FrameType
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_vq.engines.priors import knobs as prior_knobs
from monai_vq.engines.reconstruct.knobs import RECONSTRUCT_KNOBS
from monai_vq.errors import InputError
from monai_vq.quantizers.gains import MAX_GAIN_BITS

PRECISIONS = ("fp32", "bf16", "fp16")
# Ids that MONAI itself looks up; nothing in a config refers to them.
STRUCTURE = {
    "imports",
    "initialize",
    "run",
    "finalize",
    "train",
    "validate",
    "_desc_",
    "_meta_",
    "bundle_root",
    "save_execute_config",
}
_EXPRESSION = ("$", "@", "%")  # what MONAI evaluates starts with one of these
_REFERENCE = re.compile(r"[@%]([A-Za-z_]\w*)")

# name: (types, None allowed). An int is taken for a float; "true" and "none" come from the command line as strings.
KNOBS: dict[str, tuple[tuple[type, ...], bool]] = {
    "dataset_dir": ((str,), False),
    "output_dir": ((str,), False),
    "image_size": ((list,), False),
    "spacing": ((list,), True),
    "in_channels": ((int,), False),
    "num_embeddings": ((int,), False),
    "embedding_dim": ((int,), False),
    "num_gains": ((int,), False),
    "gain_bits": ((int,), True),
    "num_frequent": ((int,), False),
    "warmup_epochs": ((int,), False),
    "commitment_cost": ((float,), False),
    "projection_cost": ((float,), False),
    "estimator": ((str,), False),
    "latent_size": ((int,), False),
    "kl_weight": ((float,), False),
    "batch_size": ((int,), False),
    "learning_rate": ((float,), False),
    "max_epochs": ((int,), False),
    "max_minutes": ((float,), True),
    "val_interval": ((int,), False),
    "num_workers": ((int,), False),
    "device": ((str, torch.device), False),
    "precision": ((str,), False),
    "seed": ((int,), False),
    "deterministic": ((bool,), False),
    "resume": ((bool,), False),
    **prior_knobs.PRIOR_KNOBS,
    **RECONSTRUCT_KNOBS,
}
_WORDS = {"true": True, "false": False, "none": None, "null": None}
_AT_LEAST_ONE = (
    *("in_channels", "num_embeddings", "embedding_dim", "num_gains", "gain_bits", "latent_size"),
    *("batch_size", "max_epochs", "val_interval"),
    *prior_knobs.AT_LEAST_ONE,
)
_NOT_NEGATIVE = (
    *("num_frequent", "warmup_epochs", "commitment_cost", "projection_cost", "kl_weight"),
    "num_workers",  # 0: no other process
    *prior_knobs.NOT_NEGATIVE,
)
_POSITIVE = ("learning_rate", "max_minutes", *prior_knobs.POSITIVE)


def calling_parser() -> ConfigParser:
    """Returns the ConfigParser that is evaluating the expression which called this.

    MONAI gives an expression no way to its own config; it is found on the call stack, which is the same from the
    command line, a notebook and torchrun.

    Raises:
        RuntimeError: if no ConfigParser is calling.
    """
    frame: FrameType | None = sys._getframe()  # inspect.stack() would read the source of every frame from disk
    while frame is not None:
        candidate = frame.f_locals.get("self")
        if isinstance(candidate, ConfigParser):
            return candidate
        frame = frame.f_back
    raise RuntimeError("calling_parser() is for expressions of a bundle config; call check_knobs(config) instead.")


def check_knobs(config: dict[str, Any]) -> None:
    """Refuses settings that nothing would read, and brings the known ones to their types in place.

    MONAI accepts any ``--name value``: a mistyped name would be ignored, and ``--resume false`` would be a non-empty,
    hence true, string.

    Args:
        config: a bundle's config with the overrides merged.

    Raises:
        InputError: if an id is neither referred to nor one of MONAI's, be it a known knob or not; or a value has
            another type.
    """
    used = _references(config) | STRUCTURE
    if "max_epochs" in config.get("train", {}).get("trainer", {}):
        used |= {"max_epochs"}  # the Model Zoo's --train#trainer#max_epochs overwrites the one reference to it
    for name in config:
        if name not in used:
            raise InputError(_unread(name, config[name], used))
    for name in KNOBS:
        if name in config:
            config[name] = check_value(name, config[name])
    _check_ranges(config)


def check_value(name: str, value: Any) -> Any:
    """Returns a knob's value in its type; an expression (``$…``) or reference stays for the parser.

    Raises:
        InputError: if the value has another type.
    """
    types, optional = KNOBS[name]
    if isinstance(value, str) and value.startswith(_EXPRESSION):
        return value
    if name == "conditions":
        value = prior_knobs.as_list(value)
    if isinstance(value, str) and value.lower() in _WORDS and str not in types:
        value = _WORDS[value.lower()]
    if value is None and optional:
        return None
    if types == (float,) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if types == (list,) and isinstance(value, tuple):
        return list(value)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        expected = " or ".join(t.__name__ for t in types) + (" or None" if optional else "")
        raise InputError(f"--{name} {value!r} is a {type(value).__name__}; expected {expected}.")
    return value


def _check_ranges(config: Mapping[str, Any]) -> None:
    for name, value in config.items():
        if not isinstance(value, (int, float)):  # expressions, references and None
            continue
        if name in _AT_LEAST_ONE and value < 1:
            raise InputError(f"--{name} {value} must be at least 1.")
        if name in _NOT_NEGATIVE and not 0 <= value < math.inf:
            raise InputError(f"--{name} {value} must be 0 or more.")
        if name in _POSITIVE and not 0 < value < math.inf:
            raise InputError(f"--{name} {value} must be positive.")
    precision = config.get("precision", "fp32")
    if precision not in PRECISIONS and not precision.startswith(_EXPRESSION):
        raise InputError(f"--precision {precision!r}: expected one of {', '.join(PRECISIONS)}.")
    for name, kind in (("image_size", int), ("spacing", (int, float))):
        pair = config.get(name)
        if isinstance(pair, list) and (len(pair) != 2 or not all(isinstance(v, kind) and v > 0 for v in pair)):
            raise InputError(f"--{name} {pair!r}: expected two positive numbers, (rows, columns), such as [128, 96].")
    _check_latent(config)
    prior_knobs.check_prior_ranges(config)


def _check_latent(config: Mapping[str, Any]) -> None:
    """Refuses what no quantizer of the bundle's kind can be; its own error would come with a traceback of MONAI's."""
    names = ("num_embeddings", "embedding_dim", "num_frequent", "num_gains", "gain_bits")
    K, D, S, G, bits = (config[name] if isinstance(config.get(name), int) else None for name in names)
    if bits is not None and bits > MAX_GAIN_BITS:
        raise InputError(f"--gain_bits {bits} must be at most {MAX_GAIN_BITS}; none leaves gains as they are.")
    if S is not None and K is not None and S > K:
        raise InputError(f"--num_frequent {S} must be at most --num_embeddings, {K}.")
    if D is not None and G is not None and D % G:
        raise InputError(f"--num_gains {G} must divide --embedding_dim, {D}.")
    estimator, known = config.get("estimator", ""), _estimators(config)
    if estimator and known and estimator not in known and not estimator.startswith(_EXPRESSION):
        raise InputError(f"--estimator {estimator!r}: expected one of {', '.join(known)}.")


def _estimators(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The estimators that the bundle's quantizer knows; none if it has no such choice."""
    network = config.get("network_def")
    quantizer = network.get("quantizer") if isinstance(network, Mapping) else None
    target = quantizer.get("_target_") if isinstance(quantizer, Mapping) else None
    return getattr(locate(target), "ESTIMATORS", ()) if isinstance(target, str) else ()


def _unread(name: str, value: Any, used: set[str]) -> str:
    if name in KNOBS:
        return f"setting --{name} {value!r}: nothing in this config reads it; leave it out, or refer to it as @{name}."
    near = difflib.get_close_matches(name, sorted(set(KNOBS) | used), n=1)
    hint = f"did you mean --{near[0]}?" if near else f"expected one of {', '.join(sorted(KNOBS))}."
    return f"unknown setting --{name} {value!r}: nothing reads it; {hint}"


def _references(node: Any) -> set[str]:
    """Top-level ids that some string of the config refers to."""
    if isinstance(node, Mapping):
        return set().union(*map(_references, node.values()))
    if isinstance(node, list):
        return set().union(*map(_references, node))
    return set(_REFERENCE.findall(node)) if isinstance(node, str) else set()
