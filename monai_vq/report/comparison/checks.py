"""Which runs can be compared at all: those that were scored on the same pixels of the same people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from monai_vq.errors import InputError
from monai_vq.report.content import ReportContent
from monai_vq.report.tables import slice_table

__all__ = ["check_comparable", "split_sha256"]

SHORT_HASH = 16  # hexadecimal digits that an error shows


def check_comparable(contents: Mapping[str, ReportContent]) -> None:
    """Refuses runs whose scores are of different people, slices or pixels.

    Args:
        contents: by the name of the run; every one is compared with the first.

    Raises:
        InputError: split, unit, image size, spacing or slices differ.
    """
    first, *others = contents
    for other in others:
        for what, value_of, remedy in _CHECKS:
            values = [value_of(contents[name]) for name in (first, other)]
            if values[0] != values[1]:
                raise InputError(f"{what} differ: {first} has {values[0]}, {other} has {values[1]}. {remedy}")
        _check_slices(first, contents[first], other, contents[other])


def split_sha256(content: ReportContent) -> str:
    """The hash of the split that a run was trained and scored on; "unknown" where it does not say."""
    return str(content.settings.get("split_sha256", "unknown"))


def _short_hash(content: ReportContent) -> str:
    return split_sha256(content)[:SHORT_HASH]


def _image_size(content: ReportContent) -> str:
    return " × ".join(map(str, content.scores.latent.image_size))


def _spacing(content: ReportContent) -> str:
    settings: Mapping[str, Any] = content.settings.get("settings", {})
    spacing = settings.get("spacing")
    return "the scans' own" if spacing is None else str(spacing)


_OTHER_PEOPLE = (
    "Scores of different test patients are no comparison: train all runs on one prepared dataset, with one splits.json."
)
_OTHER_PIXELS = "Scores of different pixels are no comparison: train all runs with one image_size and one spacing."
_CHECKS: tuple[tuple[str, Callable[[ReportContent], str], str], ...] = (
    ("Split hashes (split_sha256)", _short_hash, _OTHER_PEOPLE),
    ("Units of the split", lambda content: content.unit, _OTHER_PEOPLE),
    ("Image sizes", _image_size, _OTHER_PIXELS),
    ("Spacings", _spacing, _OTHER_PIXELS),
)


def _check_slices(first: str, one: ReportContent, second: str, other: ReportContent) -> None:
    """Equal splits do not say which slices of a patient were prepared."""
    columns = ["split", "patient_id", "scan_id", "slice_index"]
    slices = [set(slice_table(content.scores.model)[columns].itertuples(index=False)) for content in (one, other)]
    if slices[0] != slices[1]:
        raise InputError(
            f"{first} and {second} were scored on different slices: {len(slices[0])} and {len(slices[1])}, of which "
            f"{len(slices[0] & slices[1])} are in both. Prepare the dataset once and train all runs on it."
        )
