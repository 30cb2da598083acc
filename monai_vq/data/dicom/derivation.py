"""What every image of a derived series says of itself: whose it is, what was done, that it is no scan.

The pixels have gone through an autoencoder's latent, so an image says that it is lossily compressed (PS3.3
C.7.6.1.1.5), and it names no scanner as its maker: that is contributing equipment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from monai_vq import __version__
from monai_vq.data.dicom.derived_elements import EMPTY_IF_MISSING
from monai_vq.data.dicom.items import add_elements, make_code, make_item
from monai_vq.data.dicom.stored_scale import StoredScale
from monai_vq.data.dicom.values import read_text, read_texts

__all__ = ["Derivation", "complete_image", "derivation_elements", "rescale_elements", "source_reference"]

_MAKER = "monai_vq"
_METHOD = "AUTOENCODER"  # no defined term of the standard names it


@dataclass(frozen=True)
class Derivation:
    """What all files of a derived series share.

    Attributes:
        series: UID of the new series.
        frame_of_reference: UID for a source that has none.
        organization: UID for the order of an enhanced file's frames.
        number: SeriesNumber.
        description: SeriesDescription, and the heart of DerivationDescription.
        created: when.
        scale: of the stored numbers.
        is_inverted: whether the source stores dark as large; the new numbers do not.
        compression_ratio: bits of the source's pixels over bits of the latent; None where it is unknown.
    """

    series: str
    frame_of_reference: str
    organization: str
    number: int
    description: str
    created: datetime
    scale: StoredScale
    is_inverted: bool
    compression_ratio: float | None


def complete_image(dataset: Dataset, source: Dataset, size: tuple[int, int], derivation: Derivation) -> None:
    """Adds what classic and enhanced images have in common, but the pixels themselves.

    Args:
        dataset: the new image, with the elements copied from its source.
        source: elements of the source's file.
        size: rows and columns.
        derivation: of the series.
    """
    add_elements(
        dataset,
        SeriesInstanceUID=derivation.series,
        SeriesNumber=derivation.number,
        SeriesDescription=derivation.description,
        ContentDate=derivation.created.strftime("%Y%m%d"),
        ContentTime=derivation.created.strftime("%H%M%S"),
        **_equipment_elements(source),
        **_lossy_elements(source, derivation.compression_ratio),
        **_pixel_elements(size, derivation.scale.signed),
    )
    for keyword in EMPTY_IF_MISSING:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    if not read_text(dataset, "FrameOfReferenceUID"):
        dataset.FrameOfReferenceUID = derivation.frame_of_reference


def derivation_elements(derivation: Derivation, reference: Dataset) -> dict[str, Any]:
    """What was done to which image: of a classic image, and of a frame of an enhanced one; the code is of CID 7203."""
    text = f"{_MAKER} {__version__}: {derivation.description}. Decoded by a neural network; no measurement."
    return {
        "DerivationDescription": text,
        "DerivationCodeSequence": [make_code("113040", "DCM", "Lossy Compression")],
        "SourceImageSequence": [reference],
    }


def source_reference(sop_class: str, sop_instance: str, **frame: int) -> Dataset:
    """The source's slice of the same place; its neighbours had a share through the intensity window alone."""
    return make_item(
        ReferencedSOPClassUID=sop_class,
        ReferencedSOPInstanceUID=sop_instance,
        PurposeOfReferenceCodeSequence=[make_code("121322", "DCM", "Source image for image processing operation")],
        SpatialLocationsPreserved="YES",
        **frame,
    )


def rescale_elements(scale: StoredScale) -> dict[str, str]:
    """Elements that say how stored numbers become intensities, of unspecified unit."""
    return {"RescaleSlope": scale.slope, "RescaleIntercept": scale.intercept, "RescaleType": "US"}


def _equipment_elements(source: Dataset) -> dict[str, Any]:
    maker = {
        "Manufacturer": _MAKER,
        "ManufacturerModelName": _MAKER,
        "DeviceSerialNumber": "0",  # software has none, enhanced images must have one
        "SoftwareVersions": __version__,
    }
    names = ("Manufacturer", "ManufacturerModelName")
    scanner = {name: text for name in names if (text := read_text(source, name))}
    if "Manufacturer" not in scanner:
        return maker
    purpose = [make_code("109101", "DCM", "Acquisition Equipment")]
    return {**maker, "ContributingEquipmentSequence": [make_item(**scanner, PurposeOfReferenceCodeSequence=purpose)]}


def _lossy_elements(source: Dataset, ratio: float | None) -> dict[str, Any]:
    """The flag, and ratio and method of every lossy step, the source's own first."""
    ratios, methods = (list(read_texts(source, f"LossyImageCompression{name}")) for name in ("Ratio", "Method"))
    if ratio is not None:
        ratios.append(format_number_as_ds(round(float(ratio), 3)))
        methods.append(_METHOD)
    known = {"LossyImageCompressionRatio": ratios, "LossyImageCompressionMethod": methods}
    return {"LossyImageCompression": "01", **{name: values for name, values in known.items() if values}}


def _pixel_elements(size: tuple[int, int], signed: bool) -> dict[str, Any]:
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": size[0],
        "Columns": size[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(signed),
    }
