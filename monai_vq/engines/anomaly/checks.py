"""What is refused before a map is made: above all patients that the prior has seen, under whatever split they are."""

from __future__ import annotations

from dataclasses import dataclass

from monai_vq.data import ScanRecord, read_manifest, read_splits, records_of_split
from monai_vq.engines.checks import or_exit
from monai_vq.engines.latents.stage1 import require_split
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError

SEEN = ("train", "val")  # splits of a prior's own dataset by which it was trained and chosen
NAMED = 5  # patients in a message


@dataclass(frozen=True)
class SeenPatients:
    """Which patients of a split a prior was trained or chosen on.

    Attributes:
        patients: their ids in the dataset that is mapped, in the manifest's order.
        number: of all patients of the split.
    """

    patients: list[str]
    number: int

    def __str__(self) -> str:
        more = f" and {len(self.patients) - NAMED} more" if len(self.patients) > NAMED else ""
        return f"{len(self.patients)} of {self.number}: {', '.join(self.patients[:NAMED])}{more}"


def seen_patients(prior_dataset_dir: str, dataset_dir: str, split: str) -> SeenPatients:
    """Finds the patients of a split who are training or validation patients of the prior, by id or by a scan's content.

    Args:
        prior_dataset_dir: that the prior was trained on.
        dataset_dir: whose scans are mapped; of the prior's own division there is nothing to find.
        split: whose scans are mapped.

    Raises:
        InputError: if a dataset is missing or damaged.
    """
    own, mapped = read_splits(prior_dataset_dir), read_splits(dataset_dir)
    records = records_of_split(mapped, read_manifest(dataset_dir), split)
    number = len({record.patient_id for record in records})
    if own.sha256 == mapped.sha256:
        return SeenPatients([], number)
    known = [record for name in SEEN for record in records_of_split(own, read_manifest(prior_dataset_dir), name)]
    patients = {record.patient_id for record in known}
    contents = {content for record in known for content in _contents(record)}
    seen = [record.patient_id for record in records if record.patient_id in patients or _contents(record) & contents]
    return SeenPatients(list(dict.fromkeys(seen)), number)


def _contents(record: ScanRecord) -> set[str]:
    """Hashes that tell what a scan is; images of a stack may share one source file, which then tells nothing."""
    return {record.sha256, record.slices_sha256} if record.axes else {record.slices_sha256}


def check_anomaly(
    prior_run: PriorRun, dataset_dir: str, split: str, plant_lesions: bool, prior_dataset_dir: str | None = None
) -> None:
    """Refuses colour images, a prior whose dataset was divided anew, and lesions in patients that the prior has seen.

    Args:
        prior_run: of `load_prior`.
        dataset_dir: whose scans are mapped.
        split: whose scans are mapped.
        plant_lesions: whether lesions are planted into them.
        prior_dataset_dir: where the prior's own dataset is now, if it was moved.

    Raises:
        SystemExit: with one line, before anything is written.
    """
    own = prior_dataset_dir or prior_run.dataset_dir

    def check() -> None:
        _check_own_dataset(prior_run, own)
        if prior_run.in_channels != 1:
            channels = prior_run.in_channels
            raise InputError(f"anomaly maps are of grey images; those of {prior_run.run_dir} have {channels} channels.")
        known = read_splits(dataset_dir).splits
        if split not in known:
            raise InputError(f"--split {split!r}: expected one of {', '.join(known)}.")
        if plant_lesions:
            _check_unseen(own, dataset_dir, split)

    or_exit(check)


def _check_own_dataset(prior_run: PriorRun, dataset_dir: str) -> None:
    try:
        require_split(prior_run.stage1, dataset_dir)
    except InputError as error:
        raise InputError(
            f"{error} What is normal is learned from the dataset of {prior_run.run_dir}; if that was moved, give "
            "--prior_dataset_dir."
        ) from error


def _check_unseen(prior_dataset_dir: str, dataset_dir: str, split: str) -> None:
    if split == "val":
        raise InputError(
            "--split val: the methods are tuned on lesions in validation patients; evaluate with --split test."
        )
    seen = seen_patients(prior_dataset_dir, dataset_dir, split)
    if seen.patients:
        raise InputError(
            f"the {split} split of {dataset_dir} has training or validation patients of the prior ({seen}): by id or "
            f"content they are also in {prior_dataset_dir}. Evaluate on --dataset_dir {prior_dataset_dir}, or on "
            "patients that the prior has not seen; rename ids that stand for other people."
        )
