"""The frames of a file: one in a classic image, all slices of a volume in an enhanced one."""

from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from monai_vq.data.dicom.values import read_items, read_number, read_numbers

__all__ = ["FRAME_KEYWORDS", "Frame", "read_frames"]

FRAME_KEYWORDS = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "EchoTime",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
"""What `read_frames` reads of a file."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where one slice lies, and how its stored numbers become intensities; None where that cannot be read.

    Attributes:
        position: centre of the first pixel in the patient: left, posterior, superior; mm.
        orientation: direction in which the column index grows, then that of the row index; unit vectors, 6 numbers.
        spacing: distance of rows, then of columns; mm.
        slope: factor of the stored numbers, 1 where nothing is said.
        intercept: added after it, 0 where nothing is said.
        echo_time: ms; None where nothing is said.
        thickness: of the slice, mm; None where nothing is said.
        distance: to the next slice, as the header says it, mm; None where nothing is said. Some write the gap.
    """

    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    slope: float | None
    intercept: float | None
    echo_time: float | None
    thickness: float | None = None
    distance: float | None = None


def read_frames(dataset: Dataset) -> tuple[Frame, ...]:
    """Reads the frames in the order in which they are stored.

    A classic image has one, described by the elements of the file itself, even if it holds several: where the others
    lie it does not say.
    """
    groups = read_items(dataset, "PerFrameFunctionalGroupsSequence")
    if not groups:
        return (_read_frame(lambda macro: dataset),)
    shared = read_items(dataset, "SharedFunctionalGroupsSequence")
    return tuple(_read_frame(_macro_finder(group, shared)) for group in groups)


def _macro_finder(group: Dataset, shared: list[Dataset]) -> Callable[[str], Dataset]:
    """Looks a functional group macro up in the frame, then in what all frames share."""

    def find(macro: str) -> Dataset:
        items = [item for place in (group, *shared) for item in read_items(place, macro)]
        return items[0] if items else Dataset()

    return find


def _read_frame(find: Callable[[str], Dataset]) -> Frame:
    scale, echo = find("PixelValueTransformationSequence"), find("MREchoSequence")
    echo_time = read_number(echo, "EffectiveEchoTime")
    measures = find("PixelMeasuresSequence")
    return Frame(
        position=read_numbers(find("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=read_numbers(find("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        spacing=read_numbers(measures, "PixelSpacing", 2),
        slope=read_number(scale, "RescaleSlope", default=1.0),
        intercept=read_number(scale, "RescaleIntercept", default=0.0),
        echo_time=read_number(echo, "EchoTime") if echo_time is None else echo_time,
        thickness=read_number(measures, "SliceThickness"),
        distance=read_number(measures, "SpacingBetweenSlices"),
    )
