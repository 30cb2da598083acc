"""How the slices that a model learned from were made of volumes: what must be done again to any new scan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_vq.data.manifest import read_manifest
from monai_vq.data.slicing import SlicingSettings
from monai_vq.data.splits import read_splits, records_of_split
from monai_vq.errors import InputError

__all__ = ["PROVENANCE_NAME", "Preparation", "read_preparation"]

PROVENANCE_NAME = "provenance.json"
_FACE = "face"  # the word by which `warnings` of a manifest name a whole head


@dataclass(frozen=True)
class Preparation:
    """How a dataset's slices were made, and what its training scans were like.

    Attributes:
        slicing: plane, range, number and window of the slices; None where the source had pictures and no volumes.
        source: name of the source, as in `python -m data_prep SOURCE`.
        foreground: name of the algorithm of the masks.
        row_mm: smallest and largest height of a pixel among the training scans.
        column_mm: the same of its width.
        whole_heads: share of the training scans that hold a head with its skin, in [0, 1]; 0: brains alone.
    """

    slicing: SlicingSettings | None
    source: str
    foreground: str
    row_mm: tuple[float, float]
    column_mm: tuple[float, float]
    whole_heads: float

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Undoes `to_record`.

        Raises:
            InputError: a value is missing or is none that slices can be made by.
        """
        try:
            slicing = record["slicing"]
            return cls(
                slicing=None if slicing is None else _read_slicing(slicing),
                source=str(record["source"]),
                foreground=str(record["foreground"]),
                row_mm=_pair(record["row_mm"]),
                column_mm=_pair(record["column_mm"]),
                whole_heads=float(record["whole_heads"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"the record of how slices were prepared cannot be read ({error}); prepare and train anew"
            ) from error

    def to_record(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return json.loads(json.dumps(asdict(self)))  # lists for tuples

    def with_range(self, slice_range: Sequence[float] | None) -> SlicingSettings:
        """The settings for new scans: every slice of the range, in which those of training may have been thinned out.

        Args:
            slice_range: in place of the training's; None keeps it.

        Raises:
            InputError: there are no volumes behind these slices, or the range is impossible.
        """
        if self.slicing is None:
            raise InputError(
                f"the model learned from pictures (source {self.source}), which do not say how slices are cut from a "
                "volume; give a dataset that was prepared as its own was, or a model of volumes"
            )
        slicing = replace(self.slicing, num_slices=None)
        if slice_range is None:
            return slicing
        if len(slice_range) != 2 or not all(isinstance(one, (int, float)) for one in slice_range):
            raise InputError(f"slice range {list(slice_range)}: expected two numbers, such as [0, 1]")
        return replace(slicing, slice_range=(float(slice_range[0]), float(slice_range[1])))


def read_preparation(dataset_dir: Path | str) -> Preparation | None:
    """How a prepared dataset was made, from its `provenance.json`; None where that is missing or of another form.

    Raises:
        InputError: the manifest or the split is missing or damaged.
    """
    root = Path(dataset_dir)
    records = records_of_split(read_splits(root), read_manifest(root), "train")
    try:
        settings = json.loads((root / PROVENANCE_NAME).read_text(encoding="utf-8"))["settings"]
        return Preparation(
            slicing=_read_slicing(settings) if any(record.axes for record in records) else None,
            source=str(settings["source"]),
            foreground=str(settings["foreground"]),
            row_mm=_extent([record.slice_spacing[0] for record in records]),
            column_mm=_extent([record.slice_spacing[1] for record in records]),
            whole_heads=float(np.mean([_FACE in record.warnings for record in records])) if records else 0.0,
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _read_slicing(settings: Mapping[str, Any]) -> SlicingSettings:
    return SlicingSettings(
        plane=str(settings["plane"]),
        slice_range=_pair(settings["slice_range"]),
        num_slices=settings["num_slices"],
        window=_pair(settings["window"]),
        window_unit=str(settings["window_unit"]),
    )


def _pair(values: Sequence[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _extent(values: Sequence[float]) -> tuple[float, float]:
    return (float(min(values)), float(max(values))) if values else (0.0, 0.0)
