"""What a DICOM file says of its image: an allow-list of elements; no name, birth date or institution is one."""

from dataclasses import dataclass
from pathlib import Path

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import UID

from monai_vq.data.dicom.complex_part import COMPLEX_TAGS, read_complex_part
from monai_vq.data.dicom.frames import FRAME_KEYWORDS, Frame, read_frames
from monai_vq.data.dicom.silence import silenced_pydicom
from monai_vq.data.dicom.stream import PixelElement, explained_damage, parse_file
from monai_vq.data.dicom.values import read_integer, read_number, read_text, read_texts

__all__ = ["DicomHeader", "PixelFormat", "StudyInfo", "read_header"]

_FORMAT_KEYWORDS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
_STUDY_KEYWORDS = (
    "StudyDate",
    "StudyTime",
    "SeriesNumber",
    "SeriesDescription",
    "ProtocolName",
    "PatientAge",
    "PatientSex",
    "MagneticFieldStrength",
)
_IDENTITY_KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "Modality",
    "ImageType",
    "ImagesInAcquisition",
    "BurnedInAnnotation",
)
_TAGS = frozenset(
    tag
    for keyword in (*_IDENTITY_KEYWORDS, *_STUDY_KEYWORDS, *_FORMAT_KEYWORDS, *FRAME_KEYWORDS)
    if (tag := tag_for_keyword(keyword)) is not None
) | frozenset(COMPLEX_TAGS)


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the pixels are stored; None where that cannot be read.

    Attributes:
        rows: height.
        columns: width.
        samples: values a pixel.
        frames: images in the file.
        bits_allocated: bits of a stored value.
        bits_stored: bits of them that are used.
        high_bit: number of the highest of these, from 0.
        signed: 1 for two's complement, 0 for unsigned.
        photometric: `MONOCHROME2` where large values are bright, `MONOCHROME1` where they are dark, or colour.
    """

    rows: int | None
    columns: int | None
    samples: int | None
    frames: int | None
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    signed: int | None
    photometric: str


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """What the file says of examination and patient; private, and never to be written anywhere as it is.

    Attributes:
        date: of the study, as stored.
        time: of the study, as stored.
        series_number: None where it is unknown.
        description: of the series.
        protocol: name of the protocol.
        age: as stored, such as `074Y`.
        sex: as stored.
        field_strength: tesla.
    """

    date: str
    time: str
    series_number: int | None
    description: str
    protocol: str
    age: str
    sex: str
    field_strength: float | None


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """One file.

    Attributes:
        path: of the file.
        sop_class: UID of the kind of object.
        sop_instance: UID of the image.
        study: UID of the examination.
        series: UID of the series.
        patient: PatientID; private.
        modality: such as `MR`.
        image_type: such as `ORIGINAL`, `PRIMARY`, `M`.
        complex_part: such as `PHASE`; empty where nothing but perhaps the type says it.
        n_acquired: images of the acquisition, of which there may be several in a series; None where nothing says it.
        burned_in: whether text is said to be burned into the pixels.
        info: of study and patient.
        format: of the pixels.
        frames: where each slice lies.
        syntax: transfer syntax.
        pixels: where they lie in the file; None where the file ends before them.
        is_cut: whether the file ends within an element.
    """

    path: Path
    sop_class: UID
    sop_instance: str
    study: str
    series: str
    patient: str
    modality: str
    image_type: tuple[str, ...]
    complex_part: str
    n_acquired: int | None
    burned_in: bool
    info: StudyInfo
    format: PixelFormat
    frames: tuple[Frame, ...]
    syntax: UID
    pixels: PixelElement | None
    is_cut: bool


def read_header(path: Path) -> DicomHeader:
    """Reads a file up to its pixels.

    Raises:
        NotDicomError: the file is not DICOM, or is a DICOMDIR.
        VolumeError: nothing can be read. No message quotes the file or its name.
    """
    parsed = parse_file(path, _TAGS)
    dataset = parsed.dataset
    with silenced_pydicom(), explained_damage():
        return DicomHeader(
            path=path,
            sop_class=UID(read_text(dataset, "SOPClassUID")),
            sop_instance=read_text(dataset, "SOPInstanceUID"),
            study=read_text(dataset, "StudyInstanceUID"),
            series=read_text(dataset, "SeriesInstanceUID"),
            patient=read_text(dataset, "PatientID"),
            modality=read_text(dataset, "Modality"),
            image_type=tuple(text.upper() for text in read_texts(dataset, "ImageType")),
            complex_part=read_complex_part(dataset),
            n_acquired=read_integer(dataset, "ImagesInAcquisition"),
            burned_in=read_text(dataset, "BurnedInAnnotation").upper() == "YES",
            info=_read_info(dataset),
            format=_read_format(dataset),
            frames=read_frames(dataset),
            syntax=parsed.syntax,
            pixels=parsed.pixels,
            is_cut=parsed.is_cut,
        )


def _read_info(dataset: Dataset) -> StudyInfo:
    return StudyInfo(
        date=read_text(dataset, "StudyDate"),
        time=read_text(dataset, "StudyTime"),
        series_number=read_integer(dataset, "SeriesNumber"),
        description=read_text(dataset, "SeriesDescription"),
        protocol=read_text(dataset, "ProtocolName"),
        age=read_text(dataset, "PatientAge"),
        sex=read_text(dataset, "PatientSex"),
        field_strength=read_number(dataset, "MagneticFieldStrength"),
    )


def _read_format(dataset: Dataset) -> PixelFormat:
    return PixelFormat(
        rows=read_integer(dataset, "Rows"),
        columns=read_integer(dataset, "Columns"),
        samples=read_integer(dataset, "SamplesPerPixel"),
        frames=read_integer(dataset, "NumberOfFrames", default=1),
        bits_allocated=read_integer(dataset, "BitsAllocated"),
        bits_stored=read_integer(dataset, "BitsStored"),
        high_bit=read_integer(dataset, "HighBit"),
        signed=read_integer(dataset, "PixelRepresentation"),
        photometric=read_text(dataset, "PhotometricInterpretation"),
    )
