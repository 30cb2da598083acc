"""A private text in every free field of every format goes in at the command line; nothing of it comes out."""

import base64
import csv
import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pydicom
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from data_prep.__main__ import main
from data_prep.phantom import PhantomPatient, write_layout
from data_prep.phantom.layouts.ad_nc import write_ad_nc
from data_prep.phantom.layouts.oasis1 import write_oasis1
from data_prep.private.check import check_private
from monai_vq.data import read_manifest

SENTINEL, BIRTH_DATE = "ZZPHI", "19121212"
PATIENTS, VOXEL_MM = 6, 8.0
KEY_FILE = "key.json"  # beside the prepared dataset
TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UT")  # kinds of DICOM elements that hold free text
KEPT = ("ImageType", "Modality", "PhotometricInterpretation", "SpecificCharacterSet", "MRAcquisitionType")
SIDECAR = {
    **dict.fromkeys(("InstitutionName", "InstitutionAddress", "PatientName", "PatientID", "StationName"), SENTINEL),
    **{"DeviceSerialNumber": SENTINEL, "ProcedureStepDescription": [SENTINEL], "PatientBirthDate": BIRTH_DATE},
    "AcquisitionDateTime": f"{BIRTH_DATE}T10:15:00 {SENTINEL}",
}
NIFTI_TEXTS = {4: 10, 14: 18, 148: 80, 228: 24}  # data_type, db_name, descrip, aux_file: bytes at a place of the header
INTENT_NAME = {328: 16}
ANALYZE_TEXTS = {56: 4, 60: 8, 253: 10, 263: 10, 273: 10, 283: 10, 293: 10, 303: 10, 313: 3}
"""Vox_units, cal_units, originator, generated, scannum, patient_id, exp_date, exp_time and hist_un0."""
STRAYS = (".gif", ".xml", "labels.txt", "notes.txt", "README.TXT", "MR1.txt", ".DS_Store", "README")


def put_texts(header: bytearray, places: dict[int, int]) -> None:
    for start, size in places.items():
        header[start : start + size] = (SENTINEL * size)[: size - 1].encode() + b"\0"


def make_extensions(order: str) -> bytes:
    """A NIfTI extender and extensions: DICOM, AFNI, comment and workflow."""
    dataset, packed = pydicom.Dataset(), DicomBytesIO()
    dataset.PatientName = f"{SENTINEL}^{SENTINEL}^DOE^"  # 16 bytes: the extension needs no padding
    packed.is_little_endian, packed.is_implicit_VR = True, False
    write_dataset(packed, dataset)
    bodies = {2: packed.getvalue(), **dict.fromkeys((4, 6, 40), f"<x>{SENTINEL}</x>".ljust(24).encode())}
    return b"\1\0\0\0" + b"".join(
        struct.pack(f"{order}2i", len(body) + 8, code) + body for code, body in bodies.items()
    )


def mark_nifti(content: bytes) -> bytes:
    """A single file: the texts of its header, and extensions before the voxels."""
    order = "<" if content[0] == 0x5C else ">"
    header, extensions = bytearray(content[:348]), make_extensions(order)
    put_texts(header, NIFTI_TEXTS | INTENT_NAME)
    (start,) = struct.unpack_from(f"{order}f", header, 108)
    struct.pack_into(f"{order}f", header, 108, 348 + len(extensions))
    return bytes(header) + extensions + content[int(start) :]


def mark_nifti_file(path: Path) -> None:
    packed = path.suffix == ".gz"
    content = mark_nifti(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    path.write_bytes(gzip_named(content) if packed else content)


def gzip_named(content: bytes) -> bytes:
    """A gzip stream whose header names the file that was packed."""
    packed = io.BytesIO()
    with gzip.GzipFile(f"{SENTINEL}.nii", "wb", fileobj=packed, mtime=0) as stream:
        stream.write(content)
    return packed.getvalue()


def mark_pair_header(path: Path) -> None:
    """A `.hdr`, of NIfTI with extensions behind it or of Analyze."""
    header = bytearray(path.read_bytes()[:348])
    is_nifti = header[344:347] == b"ni1"
    put_texts(header, NIFTI_TEXTS | (INTENT_NAME if is_nifti else ANALYZE_TEXTS))
    path.write_bytes(bytes(header) + (make_extensions("<" if header[0] == 0x5C else ">") if is_nifti else b""))


def mark_json(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    numbered = all(key.isdigit() for key in content)  # the images of AD_NC
    for entry in content.values() if numbered else [content]:
        entry.update(SIDECAR)
    path.write_text(json.dumps(content), encoding="utf-8")


def mark_table(path: Path) -> None:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([[*header, f"{SENTINEL}_note"], *([*row, SENTINEL] for row in rows)])


def mark_workbook(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    book.properties.creator = book.properties.title = SENTINEL
    sheet = book.worksheets[0]
    for row in range(1, sheet.max_row + 1):
        sheet.cell(row, sheet.max_column + (row == 1), f"{SENTINEL}_note" if row == 1 else SENTINEL)
    book.create_sheet(SENTINEL).append([SENTINEL])
    book.save(path)


def mark_picture(path: Path) -> None:
    """EXIF and, as the format has them, a comment or texts in three kinds of chunk."""
    with Image.open(path) as image:
        exif = image.getexif()
        exif.update(dict.fromkeys((0x010E, 0x013B, 0x8298, 0x9286), SENTINEL))  # description, artist, copyright, ...
        if image.format == "JPEG":
            image.save(path, "JPEG", exif=exif, comment=SENTINEL, quality="keep")
            return
        info = PngInfo()
        info.add_text("Comment", SENTINEL)
        info.add_text("Author", SENTINEL, zip=True)
        info.add_itxt("Title", SENTINEL, zip=True)
        image.load()
        image.save(path, "PNG", exif=exif, pnginfo=info)


def mark_dicom(path: Path) -> None:
    """Every text of the header; ids stay different and, where the study is known by them, begin as they did."""
    dataset = pydicom.dcmread(path)
    for element in dataset:
        if element.VR in TEXTS and element.keyword not in KEPT:
            known = str(element.value) if "_S_" in str(element.value) else ""  # ADNI's own number of a person
            element.value = known or f"{SENTINEL}{'' if element.VM > 1 else element.value}"[:16]
    for keyword in ("InstitutionName", "OperatorsName", "PatientComments", "StationName", "DeviceSerialNumber"):
        setattr(dataset, keyword, SENTINEL)
    dataset.PatientAddress = dataset.OtherPatientNames = dataset.ImageComments = SENTINEL
    dataset.PatientBirthDate = BIRTH_DATE
    dataset.private_block(0x0029, SENTINEL, create=True).add_new(1, "LO", SENTINEL)
    dataset.save_as(path)


def mark_stray(path: Path) -> None:
    path.write_bytes(path.read_bytes() + SENTINEL.encode())


MARKS: dict[str, Callable[[Path], None]] = {
    **dict.fromkeys((".nii", ".nii.gz"), mark_nifti_file),
    ".hdr": mark_pair_header,
    ".json": mark_json,
    **dict.fromkeys((".csv", ".tsv"), mark_table),
    ".xlsx": mark_workbook,
    **dict.fromkeys((".jpeg", ".jpg", ".JPEG", ".png"), mark_picture),
    **dict.fromkeys(STRAYS, mark_stray),
}


def mark_all(root: Path) -> list[Path]:
    """Marks what can be marked, and says what that was."""
    marked = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        mark = choose_mark(path)
        if mark:
            mark(path)
            marked.append(path)
    return marked


def choose_mark(path: Path) -> Callable[[Path], None] | None:
    if path.name.startswith("._"):
        return mark_stray
    if path.read_bytes()[128:132] == b"DICM":
        return None if path.name == "DICOMDIR" else mark_dicom
    return next((mark for ending, mark in MARKS.items() if path.name.endswith(ending)), None)


def rename_folders(root: Path) -> None:
    """The sentinel before the name of each folder, the deepest first."""
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        folder.rename(folder.with_name(f"{SENTINEL}_{folder.name}"))


def draw(seed: int, size: int = 32) -> np.ndarray:
    """A smooth grey picture with a black border, [size, size]."""
    small = np.random.default_rng(seed).integers(30, 256, (4, 4), dtype=np.uint8)
    picture = np.array(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))
    return np.pad(picture[2:-2, 2:-2], 2)


def named_folders(layout: str) -> Callable[[Path], None]:
    """A download whose folders are private as well."""

    def write(root: Path) -> None:
        write_layout(layout, root, num_patients=PATIENTS, voxel_size=VOXEL_MM)
        rename_folders(root)

    return write


def write_discs(root: Path) -> None:
    root.mkdir()
    patients = [PhantomPatient.draw(0, index) for index in range(PATIENTS)]
    write_oasis1(root, patients, VOXEL_MM, images=("masked_t88", "fsl_seg"))


def write_jpegs(root: Path) -> None:
    root.mkdir()
    write_ad_nc(root, [PhantomPatient.draw(0, index) for index in range(PATIENTS)], VOXEL_MM)


def write_pngs(root: Path) -> None:
    for place, split in enumerate(("train", "validate", "test")):
        for kind in ("case", "seg"):
            folder = root / f"keras_png_slices_{'seg_' * (kind == 'seg')}{split}"
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = draw(10 * place + number)
                picture = Image.fromarray(pixels if kind == "case" else (pixels > 0) * np.uint8(85))
                picture.save(folder / f"{kind}_{place + 1:03d}_slice_{number}.nii.png")


def write_classes(root: Path) -> None:
    for split, first in (("train", 0), ("val", 100)):
        for place, name in enumerate(("cat", "dog")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(6):
                picture = Image.fromarray(draw(first + 50 * place + number))
                picture.save(folder / f"{number}.{'jpeg' if number % 2 else 'png'}")


def write_digits(root: Path) -> None:
    root.mkdir()
    for prefix, first, count in (("train", 0, 30), ("t10k", 100, 10)):
        images = np.stack([draw(first + number, 28) for number in range(count)])
        for axes, kind, body in ((3, "images", images), (1, "labels", np.arange(count, dtype=np.uint8) % 2)):
            content = bytes([0, 0, 8, axes]) + b"".join(side.to_bytes(4, "big") for side in body.shape) + body.tobytes()
            (root / f"{prefix}-{kind}-idx{axes}-ubyte.gz").write_bytes(gzip_named(content))


def write_batches(root: Path) -> None:
    """The binary archive of CIFAR-10; its members name their owner and have comments."""
    root.mkdir()
    batches = {f"data_batch_{number}": range(10 * number, 10 * number + 10) for number in range(1, 6)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, seeds in (batches | {"test_batch": range(100, 110)}).items():
            content = b"".join(bytes([seed % 2]) + np.stack([draw(seed)] * 3).tobytes() for seed in seeds)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size, member.uname, member.gname = len(content), SENTINEL, SENTINEL
            member.pax_headers = {"comment": SENTINEL}
            archive.addfile(member, io.BytesIO(content))
        note = tarfile.TarInfo("cifar-10-batches-bin/readme.html")
        note.size = len(SENTINEL)
        archive.addfile(note, io.BytesIO(SENTINEL.encode()))
    (root / "cifar-10-binary.tar.gz").write_bytes(gzip_named(packed.getvalue()))


@dataclass(frozen=True)
class Walk:
    """How a download is made, prepared, and which of its files is cut off so that it is rejected."""

    write: Callable[[Path], object]
    options: tuple[str, ...] = ()
    cut: str = ""


def phantom(layout: str, *options: str, cut: str = "") -> Walk:
    return Walk(lambda root: write_layout(layout, root, num_patients=PATIENTS, voxel_size=VOXEL_MM), options, cut)


WALKS = {
    "oasis1": Walk(write_discs, ("--labels",), "OAS1_0001_MR1*_masked_gfc.hdr"),
    "oasis2": phantom("oasis2", "--assume_orientation", "ASL", cut="OAS2_0001_MR1/RAW/mpr-1.nifti.img"),
    "oasis3": phantom("oasis3", cut="sub-OAS30002*_T1w.nii.gz"),
    "neurite_oasis": phantom("neurite_oasis", cut="OASIS_OAS1_0002_MR1/aligned_norm.nii.gz"),
    "adni": phantom("adni", cut="ADNI_002_S_0295_MR_MPR__*Scaled_Br*.nii"),
    "ad_nc": Walk(write_jpegs),
    "png_slices": Walk(write_pngs),
    "bids": phantom("bids", "--workers", "2", cut="sub-*_T1w.nii.gz"),
    "nifti": Walk(
        named_folders("nifti"),
        ("--patient_regex", r"(?P<patient>P\d+)", "--pseudonymize", "--key_file", KEY_FILE),
        "*_P001/*/t1.nii.gz",
    ),
    "dicom": Walk(named_folders("dicom"), ("--key_file", KEY_FILE)),
    "cifar10": Walk(write_batches),
    "mnist": Walk(write_digits),
    "image_folder": Walk(write_classes, ("--size", "32"), "train/cat/1.jpeg"),
}


def needles() -> Iterator[bytes]:
    """How the texts may stand in a file: in three encodings, and each of these in base64 at any offset."""
    for text in (SENTINEL, BIRTH_DATE, "1912-12-12"):
        for plain in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            yield plain
            for offset in range(3):
                packed = base64.b64encode(bytes(offset) + plain)
                yield packed[-(-offset * 8 // 6) : (offset + len(plain)) * 8 // 6]  # what no neighbour has a part in


NEEDLES = tuple(needles())


def search(folder: Path) -> list[str]:
    """Files that hold a private text in name or content; packed parts are opened by `check_private`."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    plain = [name for name, path in files.items() if has_needle(name.encode()) or has_needle(path.read_bytes())]
    return plain + check_private(folder, terms=(SENTINEL, BIRTH_DATE))


def has_needle(content: bytes) -> bool:
    return any(needle in content for needle in NEEDLES)


def is_marked(path: Path) -> bool:
    """Whether the sentinel stands in a source file, packed or not."""
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            return all(
                SENTINEL.encode() in archive.read(f"xl/{name}.xml") for name in ("workbook", "worksheets/sheet1")
            )
    return SENTINEL.encode() in content + (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else b"")


def prepare(source: str, root: Path) -> tuple[Path, Path]:
    """The marked download, whose path is private too, and what the command line makes of it."""
    walk = WALKS[source]
    download, prepared = root / SENTINEL / "download", root / "prepared"
    download.parent.mkdir()
    walk.write(download)
    marked = mark_all(download) or list(download.iterdir())  # archives are written with the sentinel
    assert all(map(is_marked, marked))
    if walk.cut:
        victim = sorted(download.rglob(walk.cut))[0]
        victim.write_bytes(victim.read_bytes()[: -victim.stat().st_size // 4])
    options = ["--num_slices", "3", *(str(root / option) if option == KEY_FILE else option for option in walk.options)]
    assert main([source, "--source", str(download), "--output_dir", str(prepared), *options]) == 0
    return download, prepared


@pytest.mark.parametrize("source", WALKS)
def test_no_private_text_comes_out(source, tmp_path, capfd, recwarn, caplog):
    download, prepared = prepare(source, tmp_path)
    assert search(download)  # the search can find
    assert len(read_manifest(prepared)) >= 3
    with (prepared / "rejected.csv").open(encoding="utf-8") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert not any("unexpected" in reason for reason in reasons)
    assert bool(WALKS[source].cut) <= any("cut off" in reason or "damaged" in reason for reason in reasons)
    assert search(prepared) == []
    printed = "".join(capfd.readouterr()) + caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert "QC page" in printed
    assert not has_needle(printed.encode())


def test_no_private_text_is_in_a_run(tmp_path, run_bundle, capfd):
    _, prepared = prepare("bids", tmp_path)
    settings: dict[str, Any] = {"image_size": [32, 32], "batch_size": 8, "max_epochs": 1, "val_interval": 1}
    run = run_bundle("projected", tmp_path / "run", dataset_dir=str(prepared), **settings)
    kinds = {path.suffix for path in run.rglob("*") if path.is_file()} | {
        path.name[:6] for path in run.rglob("events*")
    }
    assert {".pt", ".html", ".csv", ".json", "events"} <= kinds
    assert [line for line in search(run) if SENTINEL in line or BIRTH_DATE in line or "term" in line] == []
    assert not any(has_needle(path.read_bytes()) for path in run.rglob("*") if path.is_file())
    assert not has_needle("".join(capfd.readouterr()).encode())
