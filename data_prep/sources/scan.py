"""What every source gives to the preparation: the scans it found, whose they are, and what it left out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.person import Person
from data_prep.rejections import Rejection
from monai_vq.data import SliceStack, Volume, read_volume

__all__ = ["Found", "Scan"]


def _read_file(files: tuple[Path, ...]) -> Volume:
    return read_volume(files[0])


@dataclass(frozen=True)
class Scan:
    """One volume, or one stack of slices, of a source.

    Attributes:
        files: all files it is read from, in the order in which their hashes make the scan's; the first names it.
        source: path of the first file (or of the folder, where it is read from many) relative to the source's root,
            with forward slashes.
        patient_id: unit of the split, such as `OAS1_0001`.
        session_id: one visit, such as `MR1`; empty where the source has no sessions. Sorted as text, visits of a
            patient are in the order of time.
        scan_id: unique in the source, and a plain file name.
        person: diagnosis, age and sex at this session.
        read: gives the voxels of `files`; a function of a module or a `functools.partial` of one, as it is sent to
            other processes. It raises `VolumeError` for whatever it cannot use.
        labels: one file of tissue labels on the same voxel grid, or none.
        read_labels: gives the voxels of `labels`, as integers 0 to 255.
        split: `train`, `val` or `test` where the source ships a split that is to be kept; empty elsewhere.
    """

    files: tuple[Path, ...]
    source: str
    patient_id: str
    session_id: str
    scan_id: str
    person: Person = field(default_factory=Person)
    read: Callable[[tuple[Path, ...]], Volume | SliceStack] = _read_file
    labels: tuple[Path, ...] = ()
    read_labels: Callable[[tuple[Path, ...]], Volume] = _read_file
    split: str = ""

    @property
    def path(self) -> Path:
        """The first of the files."""
        return self.files[0]


@dataclass
class Found:
    """What a source holds; nothing of it was opened beyond what its layout needs.

    Attributes:
        id_rule: where the patient id comes from, one sentence for `splits.json`.
        scans: sorted by id.
        rejections: files and folders that look like scans and cannot be used, by name or table.
        left: files left out on purpose, such as another preprocessing of a scan that is taken.
        notes: what the user should know.
        unit: what one value of `patient_id` stands for: `patient`, or `scan` or `image` where the source does not
            say whose they are.
        has_sessions: whether the source tells one visit of a patient from another.
        skull_stripped: whether the volumes hold the brain alone; decides the default range of slices.
    """

    id_rule: str
    scans: list[Scan] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    left: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unit: str = "patient"
    has_sessions: bool = True
    skull_stripped: bool = False
