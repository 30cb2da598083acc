"""`splits.json`: which patient is in which split, how that was decided, and the proof that no patient is in two."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from monai_vq.data.manifest import ScanRecord
from monai_vq.errors import InputError

__all__ = [
    "SPLITS_NAME",
    "SPLIT_NAMES",
    "Splits",
    "list_scans",
    "prove_disjoint",
    "read_splits",
    "records_of_split",
    "write_splits",
]

SPLITS_NAME = "splits.json"
SPLIT_NAMES = ("train", "val", "test")
SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Splits:
    """A split by patient; every session, scan and slice of a patient goes with the patient.

    Attributes:
        source: name of the source that the scans come from, as in `python -m data_prep SOURCE`.
        unit: what one id stands for and is kept together: `patient`; `scan` or `image` where the source does not say
            whose they are, and then no separation of patients can be claimed.
        id_rule: where the id comes from.
        sessions: `all` sessions of a patient, or the `first` one alone.
        seed: of the permutation.
        algorithm: its name and version.
        fractions: wanted share of the patients, by split.
        stratified_by: columns of the manifest within whose values the fractions are kept.
        merged_strata: strata too rare to be divided, and where they went.
        splits: sorted patient ids, by split.
        scans: SHA-256 of the source of every scan, by patient and scan id; so no scan can be handed to another patient.
        table: counts and means, by split.
        disjoint: size of every pairwise intersection; all 0, or the object would not exist.
        exclusions: number of volumes in `rejected.csv`.
        schema_version: of this file.
    """

    source: str
    unit: str
    id_rule: str
    sessions: str
    seed: int
    algorithm: str
    fractions: dict[str, float]
    stratified_by: list[str]
    merged_strata: dict[str, str]
    splits: dict[str, list[str]]
    scans: dict[str, dict[str, str]]
    table: dict[str, dict[str, Any]]
    disjoint: dict[str, int]
    exclusions: int
    schema_version: int = SCHEMA_VERSION

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON body; a model stores it, and evaluation on another split is refused."""
        body = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(body.encode()).hexdigest()

    def patient_split(self, patient_id: str) -> str:
        """The split of a patient.

        Raises:
            InputError: the patient is in no split.
        """
        for name, patients in self.splits.items():
            if patient_id in patients:
                return name
        raise InputError(f"patient {patient_id!r} is in no split; prepare the dataset again with --force")


def list_scans(records: Iterable[ScanRecord]) -> dict[str, dict[str, str]]:
    """The SHA-256 of the source of every scan, by patient and scan id, both sorted."""
    scans: dict[str, dict[str, str]] = {}
    for record in sorted(records, key=lambda record: (record.patient_id, record.scan_id)):
        scans.setdefault(record.patient_id, {})[record.scan_id] = record.sha256
    return scans


def prove_disjoint(splits: dict[str, list[str]], records: Iterable[ScanRecord]) -> dict[str, int]:
    """Counts what each pair of splits shares: patients, and volumes of equal content under different names.

    Returns:
        A zero for each pair, such as `train&val`, and for `duplicate_content_across_splits`.

    Raises:
        InputError: something is shared; the message lists it.
    """
    proof = {}
    for first, second in combinations(splits, 2):
        shared = sorted(set(splits[first]) & set(splits[second]))
        if shared:
            raise InputError(f"{first} and {second} share the patients {_name_some(shared)}; prepare with --force")
        proof[f"{first}&{second}"] = 0
    split_of = {patient: name for name, patients in splits.items() for patient in patients}
    owner: dict[str, ScanRecord] = {}
    for record in records:
        for content in (record.sha256, record.slices_sha256) if record.axes else (record.slices_sha256,):
            twin = owner.setdefault(content, record)
            if split_of.get(twin.patient_id) != split_of.get(record.patient_id):
                raise InputError(
                    f"{twin.scan_id} and {record.scan_id} are in different splits and have the same content; "
                    "remove one of them from the source and prepare again with --force"
                )
    return {**proof, "duplicate_content_across_splits": 0}


def _name_some(patients: Sequence[str], count: int = 10) -> str:
    """The first of the ids, and how many more there are."""
    more = f" and {len(patients) - count} more" if len(patients) > count else ""
    return ", ".join(patients[:count]) + more


def write_splits(path: Path, splits: Splits) -> None:
    """Writes the body and its hash."""
    text = json.dumps({**dataclasses.asdict(splits), "sha256": splits.sha256}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def read_splits(dataset_dir: Path | str) -> Splits:
    """Reads the split of a prepared dataset.

    Raises:
        InputError: the file is missing, not of this schema, edited after it was written, or not disjoint.
    """
    path = Path(dataset_dir) / SPLITS_NAME
    if not path.is_file():
        raise InputError(f"no {SPLITS_NAME} in {dataset_dir}; prepare it with `python -m data_prep`")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        recorded = body.pop("sha256")
        splits = Splits(**body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}); prepare the dataset again with --force") from error
    if splits.sha256 != recorded:
        raise InputError(
            f"{path} was changed after it was written: its body hashes to {splits.sha256[:12]}…, it records "
            f"{str(recorded)[:12]}…; restore it, or prepare the dataset again with --force"
        )
    prove_disjoint(splits.splits, ())
    return splits


def records_of_split(splits: Splits, records: Sequence[ScanRecord], name: str) -> list[ScanRecord]:
    """The scans of one split's patients, in manifest order.

    Raises:
        InputError: there is no such split.
    """
    if name not in splits.splits:
        raise InputError(f"unknown split {name!r}; expected one of {', '.join(splits.splits)}")
    patients = set(splits.splits[name])
    return [record for record in records if record.patient_id in patients]
