"""The tree of a LONI download: patient / series / date / image, and the files of each image."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from data_prep.rejections import Rejection
from data_prep.sources.adni_names import (
    IMAGE_ENDINGS,
    Series,
    find_name_problem,
    hide_times,
    image_number,
    is_image_folder,
    is_patient,
    parse_acquisition_date,
    parse_series,
    resembles_patient,
)

__all__ = ["Image", "Tree", "read_tree"]

MAX_DEPTH = 3  # a patient's folder is at most so deep, as in ADNI1_part2/ADNI/002_S_0295
_DOWNLOAD_AGAIN = "download it again, or remove the folder"


@dataclass(frozen=True)
class Image:
    """One image of the download.

    Attributes:
        files: one NIfTI file, or all DICOM files.
        source: the NIfTI file or the folder of the DICOM files, relative to the root of the source (see `hide_times`).
        patient_id: PTID.
        acquired: the day of the scan.
        series: what the name of its series says.
        label: names it among the patient's images: ADNI's number, `I40966`, or where a file of an older download has
            lost it that of the series, `S21856`.
    """

    files: tuple[Path, ...]
    source: str
    patient_id: str
    acquired: date
    series: Series
    label: str


@dataclass
class Tree:
    """What the folders under a root hold.

    Attributes:
        root: of the source.
        images: all T1-weighted ones.
        rejections: what looks like one and cannot be used.
        left: other series, and second copies of an image.
    """

    root: Path
    images: list[Image] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    left: list[Rejection] = field(default_factory=list)

    def relative(self, path: Path) -> str:
        """The path below the root, with forward slashes, and without days and times."""
        return hide_times(path.relative_to(self.root).as_posix())

    def reject(self, path: Path, reason: str, remedy: str) -> None:
        """Lists what cannot be used."""
        self.rejections.append(Rejection(self.relative(path), reason, remedy))

    def leave(self, path: Path, reason: str, remedy: str = "nothing is to do") -> None:
        """Lists what is left on purpose."""
        self.left.append(Rejection(self.relative(path), reason, remedy))


def read_tree(root: Path) -> Tree:
    """Lists the images of a download without opening them; empty where no folder is a patient's."""
    tree = Tree(root)
    for patient in _find_patients(root, tree, MAX_DEPTH):
        for folder in _folders(patient):
            series = parse_series(folder.name)
            if series is None:
                tree.leave(folder, "no T1-weighted head, by the name of the series")
            else:
                _read_series_folder(folder, series, patient.name, tree)
    return tree


def _find_patients(folder: Path, tree: Tree, depth: int) -> Iterator[Path]:
    for path in _folders(folder):
        if is_patient(path.name):
            yield path
        elif resembles_patient(path.name):
            tree.reject(path, f"{path.name!r} is no PTID, such as 002_S_0295", "give the folder its name back")
        elif depth > 1:
            yield from _find_patients(path, tree, depth - 1)


def _read_series_folder(folder: Path, series: Series, patient_id: str, tree: Tree) -> None:
    days = _folders(folder)
    if not days:
        tree.reject(folder, "the series is empty", _DOWNLOAD_AGAIN)
    for day in days:
        acquired = _parse_day(day.name)
        images = [image for image in _folders(day) if is_image_folder(image.name)]
        if acquired is None:
            reason = f"{day.name!r} is no time of a scan, such as 2006-11-02_08_16_44.0"
            tree.reject(day, reason, "give the folder its name back")
        elif not images:
            tree.reject(day, "no folder of an image, such as I40966, is in it", _DOWNLOAD_AGAIN)
        else:
            for image in images:
                _read_image_folder(image, series, patient_id, acquired, tree)


def _read_image_folder(folder: Path, series: Series, patient_id: str, acquired: date, tree: Tree) -> None:
    paths = _image_files(folder)
    if not paths:
        tree.reject(folder, "no image is in the folder", _DOWNLOAD_AGAIN)
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if problem := find_name_problem(path.name, folder.name, patient_id):
            tree.reject(path, *problem)
        else:
            number = image_number(path.name, folder.name)
            groups[folder.name if number is None else f"I{number}"].append(path)
    for label, members in groups.items():
        files = _choose_format(members, tree)
        if files:
            named_by = folder if len(files) > 1 and len(groups) == 1 else files[0]
            tree.images.append(Image(files, tree.relative(named_by), patient_id, acquired, series, label))


def _choose_format(paths: list[Path], tree: Tree) -> tuple[Path, ...]:
    """The files of one image; none where they are several images. What holds it a second time is left."""
    names = {path.name for path in paths}
    slices = [path for path in paths if path.name.lower().endswith(".dcm")]
    volumes = []
    for path in paths:
        if path in slices:
            continue
        if slices:
            tree.leave(path, "the DICOM files beside it are the same image and are taken")
        elif f"{path.name}.gz" in names:
            tree.leave(path, f"{path.name}.gz is the same image and is taken, as its checksum can be tested")
        else:
            volumes.append(path)
    if len(volumes) > 1:
        reason = f"{len(volumes)} volumes of one image, expected one: {', '.join(path.name for path in volumes)}"
        tree.reject(paths[0], reason, "keep the true one, or convert its DICOM files again")
        return ()
    return tuple(slices or volumes)


def _parse_day(name: str) -> date | None:
    day = parse_acquisition_date(name)
    try:
        return date.fromisoformat(day) if day else None
    except ValueError:  # such as the 31st of February
        return None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _image_files(folder: Path) -> list[Path]:
    shown = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(path for path in shown if path.name.lower().endswith(IMAGE_ENDINGS))
