"""What can be refused of a prior's training, before it writes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_vq.data import read_splits
from monai_vq.engines.checks import or_exit
from monai_vq.engines.knobs import calling_parser
from monai_vq.engines.latents.stage1 import Stage1
from monai_vq.engines.priors.condition_fields import learn_fields
from monai_vq.engines.priors.load import make_prior
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import LAST, load_network, read_checkpoint
from monai_vq.priors import ConditionFields

DEFAULT_GAIN_BITS = 4  # finer levels cost bits that hardly show in an image: see gain_rounding.csv of a run


def default_gain_bits(stage1: Stage1) -> int | None:
    """Returns the bits that stage 1 rounds its gains to; where it does not, 4; None for a latent without gains."""
    if not _has_gains(stage1):
        return None
    return DEFAULT_GAIN_BITS if stage1.gain_bits is None else stage1.gain_bits


def settle(**values: Any) -> None:
    """Puts what the settings' defaults came to into the config of the bundle that calls this, for the run's record."""
    calling_parser().config.update(values)


def check_prior(
    stage1: Stage1,
    dataset_dir: str,
    conditions: Sequence[str],
    gain_bits: int | None,
    output_dir: str,
    resume: bool,
) -> None:
    """Refuses conditions that the manifest lacks, bits that stage 1 does not have, and to resume another's run.

    Raises:
        SystemExit: with one line, before anything is written.
    """
    config = calling_parser().config

    def check() -> None:
        fields = learn_fields(dataset_dir, conditions)
        check_gain_bits(stage1, gain_bits)
        if resume:
            check_resumable_prior(config, stage1, fields, dataset_dir, gain_bits, Path(output_dir))

    or_exit(check)


def check_gain_bits(stage1: Stage1, gain_bits: int | None) -> None:
    """Refuses bits for gains that stage 1 rounds otherwise, or does not have.

    Raises:
        InputError: naming its own.
    """
    own = stage1.gain_bits
    if not _has_gains(stage1) and gain_bits is not None:
        raise InputError(f"--gain_bits {gain_bits}: the latents of {stage1.run_dir} have no gains; leave it out.")
    if own is not None and gain_bits != own:
        raise InputError(f"--gain_bits {gain_bits}: {stage1.run_dir} rounds its gains to {own} bits; leave it out.")
    if _has_gains(stage1) and gain_bits is None:
        raise InputError(
            f"--gain_bits none: the gains of {stage1.run_dir} are not rounded, and a prior models rounded ones; give "
            f"1 to 8, or leave it out for {DEFAULT_GAIN_BITS}."
        )


def check_resumable_prior(
    config: Mapping[str, Any],
    stage1: Stage1,
    fields: ConditionFields,
    dataset_dir: str,
    gain_bits: int | None,
    run_dir: Path,
) -> None:
    """Refuses to go on with a prior of other latents, conditions, patients or layers.

    Raises:
        InputError: naming what differs.
    """
    path = run_dir / "checkpoints" / LAST
    checkpoint = read_checkpoint(path)
    prior = make_prior(config, checkpoint["record"], path)
    record, splits = checkpoint["record"], read_splits(dataset_dir)
    bits = record["alphabet"]["gain_bits"]
    for what, learned, here in (
        ("codes (K)", record["alphabet"]["num_embeddings"], stage1.network.num_embeddings),
        ("grid", list(record["grid_size"]), list(stage1.grid_size)),
        ("gain_bits", bits, gain_bits),
        ("split", record["split_sha256"], splits.sha256),
        ("stage-1 checkpoint", record["stage1_sha256"], stage1.checkpoint_sha256),
        ("conditions", record["fields"], fields.to_dict()),
    ):
        if learned != here:
            raise InputError(
                f"{path} learned with another {what} ({_short(learned)}) than is given here ({_short(here)}); give "
                "what the run was trained with, or another --output_dir without --resume."
            )
    load_network(prior, checkpoint, path)


def _has_gains(stage1: Stage1) -> bool:
    quantizer = stage1.network.quantizer
    return quantizer.side_channels > 0 and hasattr(quantizer, "gains")


def _short(value: Any) -> str:
    """A value as a message has it: of conditions their names, of a hash its first digits."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(field["name"] for field in value)
    return f"{value[:12]}…" if isinstance(value, str) else str(value or "none")
