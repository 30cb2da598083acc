"""What people really have in a DICOM folder, case by case: taken as it should be, or refused with the reason."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, plane_elements, save_dicom
from data_prep.sources.dicom import find_dicom
from data_prep.sources.scan import Found
from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_series, stream
from monai_vq.errors import InputError

AFFINE = np.array([[0, 0, 1.2, -7], [-0.9, 0, 0, 12], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])  # sagittal: PIR
VOXELS = np.random.default_rng(0).integers(0, 1000, (40, 36, 10)).astype(np.int16)  # JPEG 2000 wants 32 x 32
BIG = 2 << 20  # bytes

Write = Callable[[Path], None]


def slices(**series) -> list[Dataset]:
    """The clean series, every element of which a case may change."""
    return make_slices(VOXELS, AFFINE, DicomSeries(**series))


def save(folder: Path, datasets: Sequence[Dataset], first: int = 0, syntax: str = ExplicitVRLittleEndian) -> list[Path]:
    paths = [folder / f"IM{number:03d}" for number in range(first, first + len(datasets))]
    for dataset, path in zip(datasets, paths, strict=True):
        save_dicom(dataset, path, syntax)
    return paths


def edited(change: Callable[[Dataset, int], object], syntax: str = ExplicitVRLittleEndian, **series) -> Write:
    """Writes the clean series after a change of each slice."""

    def write(folder: Path) -> None:
        datasets = slices(**series)
        for index, dataset in enumerate(datasets):
            change(dataset, index)
        save(folder, datasets, syntax=syntax)

    return write


def reverse_numbers(dataset: Dataset, index: int) -> None:
    dataset.InstanceNumber = 10 - index


def write_shuffled(folder: Path) -> None:
    datasets = slices()
    for index, dataset in enumerate(datasets):
        dataset.InstanceNumber = (3 * index) % 10
    save(folder, [datasets[index] for index in (3, 9, 0, 1, 8, 2, 7, 4, 6, 5)])


def write_gap(folder: Path) -> None:
    datasets = slices()
    save(folder, datasets[:4] + datasets[5:])


def write_repeat(folder: Path) -> None:
    repeat = slices()[4]
    repeat.SOPInstanceUID = "1.2.3"
    save(folder, [*slices(), repeat])


def write_copy(folder: Path) -> None:
    save(folder, [*slices(), slices()[4]])


def write_changed_copy(folder: Path) -> None:
    changed = slices()[4]
    changed.PixelData = slices()[5].PixelData
    save(folder, [*slices(), changed])


def write_localizer(folder: Path) -> None:
    save(folder, slices())
    views = [[[-1, 0, 0], [0, -1, 0]], [[-1, 0, 0], [0, 0, -1]], [[0, -1, 0], [0, 0, -1]]]
    kind = DicomSeries(number=1, description="scout", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"))
    for number, (columns, rows) in enumerate(views):
        affine = np.eye(4)
        affine[:3, :3] = np.array([columns, rows, np.cross(columns, rows)]).T * 2.0
        (view,) = make_slices(np.ones((16, 12, 1), np.int16), affine, kind)
        view.SOPInstanceUID = kind.uid("view", number)
        save(folder, [view], first=20 + number)


def write_echoes(folder: Path) -> None:
    for number, echo in enumerate((4.6, 7.1)):
        part = slices(echo_time=echo)
        for index, dataset in enumerate(part):
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
        save(folder, part, first=10 * number)


def write_two_patients(folder: Path) -> None:
    save(folder, slices(patient_id="A"))
    save(folder, slices(patient_id="B"), first=10)


def vary_spacing(dataset: Dataset, index: int) -> None:
    dataset.ImagePositionPatient[0] = -1.2 * index - 0.05 * index**2


def forget_position(dataset: Dataset, index: int) -> None:
    del dataset.ImagePositionPatient


def rescale(dataset: Dataset, index: int) -> None:
    dataset.RescaleSlope, dataset.RescaleIntercept = "2.5", "-7"


def subtract(dataset: Dataset, index: int) -> None:
    dataset.PixelData = (VOXELS[:, :, index].T - 500).astype("<i2").tobytes()


def turn_dark(dataset: Dataset, index: int) -> None:
    dataset.PhotometricInterpretation = "MONOCHROME1"


def compress(dataset: Dataset, index: int) -> None:
    options = {"rows": 36, "columns": 40, "samples_per_pixel": 1, "number_of_frames": 1, "bits_allocated": 16}
    options |= {"bits_stored": 16, "pixel_representation": 1, "photometric_interpretation": "MONOCHROME2"}
    frame = get_encoder(JPEG2000Lossless).encode(np.ascontiguousarray(VOXELS[:, :, index].T), **options)
    dataset.add_new("PixelData", "OB", encapsulate([bytes(frame)]))
    dataset["PixelData"].is_undefined_length = True


def cut_to(keep: Callable[[bytes], int]) -> Write:
    """Writes the clean series with its first file cut off."""

    def write(folder: Path) -> None:
        path = save(folder, slices())[0]
        content = path.read_bytes()
        path.write_bytes(content[: keep(content)])

    return write


def write_strays(folder: Path) -> None:
    save(folder, slices())
    (folder / "readme.txt").write_text("exported on Monday")
    (folder / "DICOMDIR").write_bytes(b"no DICOMDIR at all")
    (folder / "IM999").touch()


def write_enhanced(folder: Path) -> None:
    enhanced = slices()[0]
    enhanced.SOPClassUID = EnhancedMRImageStorage
    enhanced.NumberOfFrames = 10
    enhanced["PixelData"].value = np.ascontiguousarray(VOXELS.T).astype("<i2").tobytes()
    enhanced.PerFrameFunctionalGroupsSequence = [frame_group(index) for index in range(10)]
    save(folder, [enhanced])


def frame_group(index: int) -> Dataset:
    plane, group = plane_elements(AFFINE, index), Dataset()
    for macro, keyword in (
        ("PlanePositionSequence", "ImagePositionPatient"),
        ("PlaneOrientationSequence", "ImageOrientationPatient"),
        ("PixelMeasuresSequence", "PixelSpacing"),
    ):
        item = Dataset()
        setattr(item, keyword, plane[keyword])
        setattr(group, macro, [item])
    return group


def name_everybody(dataset: Dataset, index: int) -> None:
    for keyword in ("PatientName", "InstitutionName", "ReferringPhysicianName", "SeriesDescription", "StudyID"):
        setattr(dataset, keyword, "ZZPHI")


def inflate(dataset: Dataset, index: int) -> None:
    dataset.Rows, dataset.Columns = 1024, 1024
    dataset.PixelData = bytes(BIG)


@dataclass(frozen=True)
class Case:
    """A folder and what becomes of it.

    Attributes:
        name: the number in the list of what is met, and words.
        write: writes it.
        scans: how many are found.
        rejected: one expression for the reason of each rejection.
        left: the same for what is left out.
        voxels: of every scan found, [column, row, slice].
    """

    name: str
    write: Write
    scans: int = 1
    rejected: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    voxels: np.ndarray = field(default_factory=lambda: VOXELS)


def write_time_points(folder: Path) -> None:
    for point in range(3):
        part = slices(number=5)
        for index, dataset in enumerate(part):
            dataset.SOPInstanceUID = f"1.2.{point}.{index}"
        save(folder, part, first=20 + 10 * point)


CASES = [
    Case("1 clean", edited(lambda dataset, index: None)),
    Case("2 numbers against positions", edited(reverse_numbers)),
    Case("3 names in another order", write_shuffled),
    Case("4 a missing slice", write_gap, 0, (r"1 slice\(s\) are missing",)),
    Case("5a a slice twice", write_repeat, 0, ("1 of 11 slices lie where another lies",)),
    Case("5b a file twice", write_copy),
    Case("5c a changed file twice", write_changed_copy, 0, ("2 files share a SOPInstanceUID and differ",)),
    Case("6 a localizer beside", write_localizer, left=(r"3 file\(s\): a localizer",)),
    Case("7 two echoes", write_echoes, 2),
    Case("8 two patients", write_two_patients, 0, ("several patients", "several patients")),
    Case("9 varying spacing", edited(vary_spacing), 0, ("distance of slices varies",)),
    Case("10 no position", edited(forget_position), 0, ("10 of 10 slices have no readable ImagePositionPatient",)),
    Case("11a rescaled", edited(rescale), voxels=2.5 * VOXELS - 7),
    Case("11b signed", edited(subtract), voxels=VOXELS - 500.0),
    Case("11c dark", edited(turn_dark), voxels=float(VOXELS.min()) + float(VOXELS.max()) - VOXELS),
    Case("12a compressed", edited(compress, JPEG2000Lossless)),
    Case("13a cut in the meta information", cut_to(lambda content: 150), rejected=("damaged|transfer syntax",)),
    Case("13b cut before the UIDs", cut_to(lambda content: 400), rejected=("SeriesInstanceUID|damaged",)),
    Case("13c cut in the header", cut_to(lambda content: len(content) - 150), 0, ("1 of 10 files are cut off",)),
    Case("13d cut in the pixels", cut_to(lambda content: len(content) - 5), 0, ("1 of 10 files are cut off",)),
    Case("14 strays", write_strays, rejected=(r"empty \(0 bytes\)",), left=("not a DICOM file", "not a DICOM file")),
    Case("15 enhanced", write_enhanced),
    Case("16 a 5-digit RID", edited(lambda dataset, index: None, patient_id="002_S_10234")),
    Case("17 names everywhere", edited(name_everybody)),
    Case("18 a bomb", edited(inflate, DeflatedExplicitVRLittleEndian), 0, ("inflates to more than",) * 10),
    Case("19 functional images", write_time_points, 0, left=(r"30 file\(s\): 3 images at each place",)),
]


def find(root: Path, key: Path) -> Found:
    """What is found, also where nothing can be used."""
    with suppress(InputError):
        return find_dicom(root, key_file=key)
    save(root / "valid", slices(patient_id="valid"))  # only where there is a scan the rest is listed, not raised
    found = find_dicom(root, key_file=key)
    found.scans.remove(found.scans[0])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_INFLATED_BYTES", BIG // 2)
    case.write(tmp_path / "ward" / "ZZPHI")
    found = find(tmp_path / "ward", tmp_path / "key.json")
    assert len(found.scans) == case.scans
    for listed, expected in ((found.rejections, case.rejected), (found.left, case.left)):
        assert len(listed) == len(expected), [str(one) for one in listed]
        assert all(re.search(pattern, one.reason) for pattern, one in zip(expected, listed, strict=True))
        assert "ZZPHI" not in "".join(map(str, listed))
    if case.name.startswith("13"):
        return  # what is left of the series is a slice shorter, and listed
    for scan in found.scans:
        volume = scan.read(scan.files)
        np.testing.assert_array_equal(volume.array, case.voxels)
        np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-6)


@pytest.mark.parametrize("case", [case for case in CASES if not case.scans], ids=lambda case: case.name)
def test_the_reader_itself_refuses_what_the_source_refuses(case, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_INFLATED_BYTES", BIG // 2)
    case.write(tmp_path)
    with pytest.raises(VolumeError):
        read_series(tuple(sorted(tmp_path.iterdir())))


def test_case_12b_without_a_decoder(tmp_path, monkeypatch):
    edited(compress, JPEG2000Lossless)(tmp_path / "ward")
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(InputError, match=r'no decoder is installed for JPEG 2000.*pip install "monai_vq\[dicom\]"'):
        find_dicom(tmp_path / "ward", key_file=tmp_path / "key.json")


def test_case_16_keeps_all_digits_of_the_id(tmp_path):
    edited(lambda dataset, index: None, patient_id="002_S_10234")(tmp_path)
    (scan,) = find_dicom(tmp_path, keep_ids=True).scans
    assert (scan.patient_id, scan.scan_id) == ("002_S_10234", "002_S_10234_ses-01_run-01")
