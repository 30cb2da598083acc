"""Which files of neurite-oasis to take: one image of each subject's folder, or the images as Learn2Reg numbers them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.rejections import Rejection
from data_prep.sources.neurite_slice import read_slice
from data_prep.sources.scan import Found, Scan
from monai_vq.data import Volume, VolumeError, read_volume
from monai_vq.errors import InputError

__all__ = ["IMAGES", "LABELS", "NeuriteChoice", "find_folders", "find_numbered", "folder_scans", "numbered_scans"]

IMAGES = ("aligned_norm", "aligned_orig", "norm", "orig", "slice_norm", "slice_orig")
LABELS = ("seg4", "seg24", "seg35")
_AXES = "LIA"  # FreeSurfer's, and those of the aligned volumes
_FOLDER = re.compile(r"OASIS_(OAS1_\d{4})_(MR\d)", re.ASCII)
_NUMBERED = re.compile(r"img(\d{4})\.nii(?:\.gz)?", re.ASCII)
_NUMBERED_IMAGE, _NUMBERED_LABELS = "aligned_norm", "seg35"  # what Learn2Reg has
_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class NeuriteChoice:
    """An image of `IMAGES`, and labels of `LABELS` on its grid or none."""

    image: str
    labels: str | None = None

    def __post_init__(self) -> None:
        if self.image not in IMAGES:
            raise InputError(f"unknown image {self.image!r}; expected one of {', '.join(IMAGES)}")
        offered = [name for name in LABELS if name != ("seg35" if self.is_slice else "seg24")]
        if self.labels is not None and self.labels not in offered:
            raise InputError(f"{self.image} has no labels {self.labels!r}; expected one of {', '.join(offered)}")

    @property
    def is_slice(self) -> bool:
        """Whether the image is a 2-D file."""
        return self.image.startswith("slice_")

    @property
    def labels_name(self) -> str:
        """Name of the labels' file without suffix: those of `aligned_norm` are `aligned_seg4`, of `norm` `seg4`."""
        return "_".join(filter(None, (self.image.rpartition("_")[0], self.labels)))


def find_folders(source: Path) -> list[Path]:
    """The subjects' folders at any depth, sorted."""
    return sorted(path for path in source.rglob("OASIS_OAS1_*") if _FOLDER.fullmatch(path.name) and path.is_dir())


def find_numbered(source: Path) -> list[Path]:
    """Learn2Reg's images at any depth, sorted."""
    return _sort_twins(path for path in source.rglob("img*.nii*") if _NUMBERED.fullmatch(path.name))


def folder_scans(folders: Sequence[Path], source: Path, choice: NeuriteChoice, found: Found) -> Iterator[Scan]:
    """The chosen image of each folder; other images, and a second copy of the chosen, are listed."""
    images = [path for folder in folders for path in _sort_twins(folder.iterdir()) if _stem(path) in IMAGES]
    taken: dict[str, str] = {}
    for path in images:
        relative, session = path.relative_to(source).as_posix(), path.parent.name.removeprefix("OASIS_")
        if _stem(path) != choice.image:
            found.left.append(Rejection(relative, f"not {choice.image}, the chosen image", "give --image to choose it"))
        elif _is_first(relative, session, taken, found):
            labels = _find_file(path.parent, choice.labels_name) if choice.labels else None
            yield _to_scan(path, labels, relative, session, session, choice)


def numbered_scans(
    images: Sequence[Path], subjects: Sequence[str], source: Path, choice: NeuriteChoice, found: Found
) -> Iterator[Scan]:
    """Learn2Reg's images, whose numbers are positions in the list of subjects and not the numbers of OASIS-1.

    Raises:
        InputError: there is no list.
    """
    if images and not subjects:
        raise InputError(
            f"the number of {images[0].name} is a position in neurite-oasis' subjects.txt, not a subject's number: "
            "give that file by --subjects"
        )
    taken: dict[str, str] = {}
    for path in images:
        relative, number = path.relative_to(source).as_posix(), path.name[3:7]
        if choice.image != _NUMBERED_IMAGE:
            reason = f"Learn2Reg's images are {_NUMBERED_IMAGE}, not {choice.image}"
            found.left.append(Rejection(relative, reason, "give --image to choose them"))
        elif not 1 <= int(number) <= len(subjects):
            reason = f"the list names {len(subjects)} subjects, so nobody has the number {int(number)}"
            found.rejections.append(Rejection(relative, reason, "give the whole subjects.txt by --subjects"))
        elif _is_first(relative, number, taken, found):
            session = subjects[int(number) - 1]
            labels = _find_file(path.parent, f"seg{number}") if choice.labels == _NUMBERED_LABELS else None
            yield _to_scan(path, labels, relative, session, f"{session}_{_stem(path)}", choice)


def _is_first(relative: str, key: str, taken: dict[str, str], found: Found) -> bool:
    """Whether no other image of the same key is taken; lists the image if one is."""
    first = taken.setdefault(key, relative)
    if first != relative:
        found.rejections.append(Rejection(relative, f"the same by its name as {first}, which is taken", "delete one"))
    return first == relative


def _to_scan(path: Path, labels: Path | None, relative: str, session: str, scan_id: str, choice: NeuriteChoice) -> Scan:
    patient_id, _, session_id = session.rpartition("_")
    extra = () if labels is None else (labels,)
    if choice.is_slice:  # its labels come with its pixels, as a stack has no grid to compare
        return Scan((path, *extra), relative, patient_id, session_id, scan_id, read=read_slice)
    return Scan((path,), relative, patient_id, session_id, scan_id, read=_read, labels=extra, read_labels=_read)


def _read(files: tuple[Path, ...]) -> Volume:
    volume = read_volume(files[0])
    if volume.axes != _AXES:
        raise VolumeError(
            f"stored axes {volume.axes}, expected {_AXES} as in the download, so its header may have been changed",
            "download it again; a copy that was turned on purpose is one for the source nifti",
        )
    return volume


def _stem(path: Path) -> str:
    return path.name.partition(".nii")[0] if path.name.endswith(_ENDINGS) else ""


def _sort_twins(paths: Iterable[Path]) -> list[Path]:
    """By path, but a compressed image before its plain twin, as a gzip stream has a checksum."""
    return sorted(paths, key=lambda path: (path.parent, _stem(path), path.suffix != ".gz"))


def _find_file(folder: Path, stem: str) -> Path | None:
    paths = (folder / f"{stem}{ending}" for ending in _ENDINGS)
    return next((path for path in paths if path.is_file()), None)
