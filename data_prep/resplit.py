"""Divides a prepared dataset anew; its slices stay as they are."""

import json
from collections.abc import Sequence
from pathlib import Path

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
    """Replaces `splits.json` and the QC page.

    Args:
        dataset_dir: a prepared dataset.
        fractions: of the patients for (train, val, test).
        stratify: see `make_splits`.
        seed: of the split.
        force: replace a split that differs; models that learned from it can then no longer be evaluated here.

    Raises:
        InputError: the dataset or a setting is bad, its split ships with the source, or it would change and not
            `force`.
    """
    records, earlier = read_manifest(dataset_dir), read_splits(dataset_dir)
    if earlier.algorithm == SHIPPED:
        raise InputError(f"the split of {dataset_dir} ships with its source; prepare it with --resplit if it has that")
    cohort = Cohort(earlier.source, earlier.id_rule, earlier.unit, earlier.sessions, earlier.exclusions)
    splits = make_splits(records, cohort, fractions=fractions, stratify=stratify, seed=seed)
    if splits == earlier:
        return splits
    if not force:
        raise InputError(
            f"{dataset_dir} has a split already (seed {earlier.seed}, sha256 {earlier.sha256[:12]}…), on which models "
            "may have been trained; give --force to replace it"
        )
    with atomic_path(dataset_dir / SPLITS_NAME) as part:
        write_splits(part, splits)
    write_qc(dataset_dir)
    _update_provenance(dataset_dir, splits)
    return splits


def _update_provenance(dataset_dir: Path, splits: Splits) -> None:
    """Records the new split's settings, so that a rerun of the first command sees that they differ."""
    path = dataset_dir / PROVENANCE_NAME
    provenance = json.loads(path.read_text(encoding="utf-8"))
    changed = {
        "fractions": list(splits.fractions.values()),
        "stratify": list(splits.stratified_by),
        "seed": splits.seed,
    }
    provenance["settings"] |= changed
    provenance.setdefault("sha256", {})[SPLITS_NAME] = file_sha256(dataset_dir / SPLITS_NAME)
    write_json(path, provenance)
