"""Which scans a model has seen in training: to them its scores flatter it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monai_vq.data import read_manifest, read_splits
from monai_vq.errors import InputError

__all__ = ["NEW", "TrainingScans"]

NEW = "new"  # in the place of a split: a scan that the model's own dataset does not have


@dataclass(frozen=True)
class TrainingScans:
    """The scans of the dataset that a model was trained on.

    Attributes:
        is_known: whether that dataset is still at hand; without it every scan counts as new.
        by_content: split of a scan by the SHA-256 of its source files.
        by_patient: split of a patient.
        unit: what the split keeps together: `patient`, `scan` or `image`.
    """

    is_known: bool
    by_content: Mapping[str, str] = field(default_factory=dict)
    by_patient: Mapping[str, str] = field(default_factory=dict)
    unit: str = "patient"

    @classmethod
    def of_dataset(cls, dataset_dir: Path | str, split_sha256: str) -> TrainingScans:
        """Reads the dataset of a model, if it is there and divided as the model has seen it.

        Args:
            dataset_dir: of the model.
            split_sha256: of the split that the model learned from, as its checkpoint has it.
        """
        try:
            splits, records = read_splits(dataset_dir), read_manifest(dataset_dir)
        except (InputError, OSError):
            return cls(False)
        if splits.sha256 != split_sha256:
            return cls(False)
        by_patient = {patient: name for name, patients in splits.splits.items() for patient in patients}
        by_content = {  # a stack shares its archive with others, so its bytes tell nothing
            record.sha256: by_patient[record.patient_id] for record in records if record.axes
        }
        return cls(True, by_content, by_patient, splits.unit)

    def split_of(self, sha256: str, patient_id: str) -> str:
        """The split of the model's dataset that has this scan's bytes, or else this patient; `new` if none has."""
        return self.by_content.get(sha256) or self.by_patient.get(patient_id) or NEW
