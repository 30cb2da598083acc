"""The dataset of a derived image but its pixels, from that of its source.

A slice of a classic series becomes an MR image again, not a secondary capture: only so do position, orientation and
frame of reference belong to the object, and viewers lay it over its source. A multi-frame file becomes an enhanced MR
image, also where it was a legacy converted one, which by definition was converted and not derived.
"""

from collections.abc import Sequence
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from monai_vq.data.dicom.derivation import (
    Derivation,
    complete_image,
    derivation_elements,
    rescale_elements,
    source_reference,
)
from monai_vq.data.dicom.derived_elements import CLASSIC, ENHANCED, FRAME_MACROS, WINDOW, WINDOW_MACRO, copy_elements
from monai_vq.data.dicom.items import add_elements, make_item
from monai_vq.data.dicom.values import read_items, read_text, read_texts

__all__ = ["derive_classic", "derive_enhanced"]

_FIXED = {
    "ContentQualification": "RESEARCH",
    "PresentationLUTShape": "IDENTITY",
    "AcquisitionContextSequence": [],
}


def derive_classic(
    source: Dataset, reference: tuple[str, str], instance: str, size: tuple[int, int], derivation: Derivation
) -> Dataset:
    """Makes the image of one slice.

    Args:
        source: elements of the slice's file.
        reference: SOP class and SOP instance of that file.
        instance: SOPInstanceUID of the new one.
        size: rows and columns.
        derivation: of the series.
    """
    # The window of inverted numbers is of no use for the others.
    dataset = copy_elements(source, [name for name in CLASSIC if not (derivation.is_inverted and name in WINDOW)])
    add_elements(
        dataset,
        SOPClassUID=MRImageStorage,
        SOPInstanceUID=instance,
        ImageType=["DERIVED", "SECONDARY", "OTHER"],
        **derivation_elements(derivation, source_reference(*reference)),
    )
    if not derivation.scale.is_identity:  # an MR image of the standard has no scale, but readers of all makers know it
        add_elements(dataset, **rescale_elements(derivation.scale))
    complete_image(dataset, source, size, derivation)
    return dataset


def derive_enhanced(
    source: Dataset,
    reference: tuple[str, str],
    instance: str,
    size: tuple[int, int],
    derivation: Derivation,
    places: Sequence[int],
) -> Dataset:
    """Makes the multi-frame image of a multi-frame file, its frames in the same order.

    Args:
        source: elements of the file.
        reference: SOP class and SOP instance of that file.
        instance: SOPInstanceUID of the new one.
        size: rows and columns.
        derivation: of the series.
        places: index in the volume of each frame.
    """
    dataset = copy_elements(source, ENHANCED)
    add_elements(dataset, SOPClassUID=EnhancedMRImageStorage, SOPInstanceUID=instance, InstanceNumber=1)
    add_elements(dataset, NumberOfFrames=len(places), **_dimension_elements(derivation))
    dataset.SourceImageEvidenceSequence = [_evidence(source, reference)]
    dataset.BurnedInAnnotation = read_text(source, "BurnedInAnnotation") or "NO"  # must be said of an enhanced image
    kind = _kind_elements(source)
    add_elements(dataset, ImageType=_image_type(source), **kind, **_FIXED)
    macros = [name for name in FRAME_MACROS if not (derivation.is_inverted and name == WINDOW_MACRO)]
    shared = copy_elements((read_items(source, "SharedFunctionalGroupsSequence") or [Dataset()])[0], macros)
    contents = read_items(shared, "FrameContentSequence")
    shared.pop("FrameContentSequence", None)  # of each frame alone
    shared.MRImageFrameTypeSequence = [make_item(FrameType=_image_type(source), **kind)]
    shared.PixelValueTransformationSequence = [make_item(**rescale_elements(derivation.scale))]
    groups = [copy_elements(item, macros) for item in read_items(source, "PerFrameFunctionalGroupsSequence")]
    for number, (group, place) in enumerate(zip(groups, places, strict=True), start=1):
        group.FrameContentSequence = [_content(read_items(group, "FrameContentSequence") or contents, place)]
        frame = source_reference(*reference, ReferencedFrameNumber=number)
        group.DerivationImageSequence = [make_item(**derivation_elements(derivation, frame))]
    add_elements(dataset, SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=groups)
    complete_image(dataset, source, size, derivation)
    return dataset


def _image_type(source: Dataset) -> list[str]:
    flavor = (*read_texts(source, "ImageType"), "", "", "")[2]
    return ["DERIVED", "PRIMARY", flavor or "OTHER", "NONE"]  # the second is PRIMARY in all enhanced images


def _kind_elements(source: Dataset) -> dict[str, str]:
    return {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": read_text(source, "VolumetricProperties") or "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ComplexImageComponent": read_text(source, "ComplexImageComponent") or "MAGNITUDE",
        "AcquisitionContrast": read_text(source, "AcquisitionContrast") or "UNKNOWN",
    }


def _dimension_elements(derivation: Derivation) -> dict[str, Any]:
    """Frames are sorted by their place in the one stack; the source's order may rest on private elements."""
    organization = {"DimensionOrganizationUID": derivation.organization}
    group = tag_for_keyword("FrameContentSequence")
    indices = [
        make_item(DimensionIndexPointer=tag_for_keyword(name), FunctionalGroupPointer=group, **organization)
        for name in ("StackID", "InStackPositionNumber")
    ]
    return {"DimensionOrganizationSequence": [make_item(**organization)], "DimensionIndexSequence": indices}


def _evidence(source: Dataset, reference: tuple[str, str]) -> Dataset:
    """The source by study, series and image: an enhanced image that names a source must name it so, too."""
    image = make_item(ReferencedSOPClassUID=reference[0], ReferencedSOPInstanceUID=reference[1])
    series = make_item(SeriesInstanceUID=read_text(source, "SeriesInstanceUID"), ReferencedSOPSequence=[image])
    return make_item(StudyInstanceUID=read_text(source, "StudyInstanceUID"), ReferencedSeriesSequence=[series])


def _content(contents: Sequence[Dataset], place: int) -> Dataset:
    content = Dataset()
    content.update(contents[0] if contents else {})
    add_elements(content, StackID="1", InStackPositionNumber=place + 1, DimensionIndexValues=[1, place + 1])
    return content
