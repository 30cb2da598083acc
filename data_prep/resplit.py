"""Divides a prepared dataset anew; its slices stay as they are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep.output import PROVENANCE_NAME, write_json
from data_prep.qc import write_qc
from monai_vq.atomic import atomic_path
from monai_vq.data import Cohort, Splits, file_sha256, make_splits, read_manifest, read_splits, write_splits
from monai_vq.data.assignment import SHIPPED
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.errors import InputError

__all__ = ["resplit"]


def resplit(
    dataset_dir: Path,
    *,
    fractions: tuple[float, float, float],
    stratify: Sequence[str] | None = None,
    seed: int = 0,
    force: bool = False,
) -> Splits:
    """Replaces `splits.json`, the QC page, and what `provenance.json` says of the split.

    An equal call goes on with one that was killed between these files.

    Args:
        dataset_dir: a prepared dataset.
        fractions: of the patients for (train, val, test).
        stratify: see `make_splits`.
        seed: of the split.
        force: replace a split that differs; models that learned from it can then no longer be evaluated here.

    Raises:
        InputError: the dataset, its `provenance.json` or a setting is bad, its split ships with the source, or it
            would change and not `force`; nothing is replaced then.
    """
    records, earlier = read_manifest(dataset_dir), read_splits(dataset_dir)
    if earlier.algorithm == SHIPPED:
        raise InputError(
            f"the split of {dataset_dir} was not made here but kept from its source; "
            "prepare it anew with another --seed, or png_slices with --resplit"
        )
    provenance = _read_provenance(dataset_dir)
    cohort = Cohort(earlier.source, earlier.id_rule, earlier.unit, earlier.sessions, earlier.exclusions)
    splits = make_splits(records, cohort, fractions=fractions, stratify=stratify, seed=seed)
    if splits != earlier and not force:
        raise InputError(
            f"{dataset_dir} has a split already (seed {earlier.seed}, sha256 {earlier.sha256[:12]}…), on which models "
            "may have been trained; give --force to replace it"
        )
    if splits != earlier:
        with atomic_path(dataset_dir / SPLITS_NAME) as part:
            write_splits(part, splits)
    write_qc(dataset_dir)
    _update_provenance(dataset_dir, provenance, splits, stratify)
    return splits


def _read_provenance(dataset_dir: Path) -> dict[str, Any]:
    path = dataset_dir / PROVENANCE_NAME
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
        if not (isinstance(provenance["settings"], dict) and isinstance(provenance.get("sha256", {}), dict)):
            raise ValueError("its settings or hashes are no object")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise InputError(
            f"{path} {problem}; restore it, or prepare the dataset anew into another --output_dir"
        ) from error
    return dict(provenance)


def _update_provenance(
    dataset_dir: Path, provenance: dict[str, Any], splits: Splits, stratify: Sequence[str] | None
) -> None:
    """Records the new split's settings, so that a rerun of the first command sees that they differ.

    Where the split is recorded already, its settings stay as they were written: other words for an equal split, such
    as the default columns by name, would have the first command refused.
    """
    sha256 = file_sha256(dataset_dir / SPLITS_NAME)
    if provenance.get("sha256", {}).get(SPLITS_NAME) == sha256:
        return
    changed = {
        "fractions": list(splits.fractions.values()),
        "stratify": None if stratify is None else list(stratify),
        "seed": splits.seed,
    }
    provenance["settings"] |= changed
    provenance.setdefault("sha256", {})[SPLITS_NAME] = sha256
    write_json(dataset_dir / PROVENANCE_NAME, provenance)
