"""What a derived image takes over from its source: an allow-list, down to the elements within sequences.

A source may hold anything anywhere: private tags, comments, physicians, institutions, serial numbers, UIDs of other
objects. What is not named here does not pass; what is named passes as it is, so that an archive files the derived
series under the same patient, study and frame of reference.
"""

from collections.abc import Iterable
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from monai_vq.data.dicom.frames import FRAME_KEYWORDS

__all__ = [
    "CLASSIC",
    "EMPTY_IF_MISSING",
    "ENHANCED",
    "FRAME_MACROS",
    "READ_TAGS",
    "WINDOW",
    "WINDOW_MACRO",
    "copy_elements",
]

_PATIENT_AND_STUDY = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_SERIES = ("Modality", "BodyPartExamined", "Laterality", "PatientPosition")
_SPACE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
_IMAGE = ("AcquisitionNumber", "BurnedInAnnotation")
WINDOW = ("WindowCenter", "WindowWidth", "VOILUTFunction")
"""Of a classic image."""
WINDOW_MACRO = "FrameVOILUTSequence"
"""The same of frames."""
_CLASSIC_ONLY = (
    "InstanceNumber",
    "AcquisitionDate",
    "AcquisitionTime",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SliceLocation",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
    "EchoNumbers",
    "InversionTime",
    "TriggerTime",
    "FlipAngle",
    "NumberOfAverages",
    "ImagingFrequency",
    "ImagedNucleus",
    "MagneticFieldStrength",
    "PixelBandwidth",
    *WINDOW,
)
_ENHANCED_ONLY = (
    "AcquisitionDateTime",
    "AcquisitionDuration",
    "ResonantNucleus",
    "ApplicableSafetyStandardAgency",
    "MagneticFieldStrength",
    "VolumetricProperties",
    "ComplexImageComponent",
    "AcquisitionContrast",
)
CLASSIC = (*_PATIENT_AND_STUDY, *_SERIES, *_SPACE, *_IMAGE, *_CLASSIC_ONLY)
"""Of a file of one slice."""
ENHANCED = (*_PATIENT_AND_STUDY, *_SERIES, *_SPACE, *_IMAGE, *_ENHANCED_ONLY)
"""Of a multi-frame file, beside `FRAME_MACROS`; the modules of acquisition are for original images only."""
FRAME_MACROS = (
    "PixelMeasuresSequence",
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "FrameContentSequence",
    "FrameAnatomySequence",
    WINDOW_MACRO,
    "MREchoSequence",
    "MRTimingAndRelatedParametersSequence",
)
"""Functional groups, shared or of a frame."""
_NESTED = frozenset(
    (
        "PixelSpacing",
        "SliceThickness",
        "SpacingBetweenSlices",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "FrameAcquisitionNumber",
        "FrameReferenceDateTime",
        "FrameAcquisitionDateTime",
        "FrameAcquisitionDuration",
        "FrameLaterality",
        "AnatomicRegionSequence",
        "CodeValue",
        "CodingSchemeDesignator",
        "CodingSchemeVersion",
        "CodeMeaning",
        *WINDOW,
        "EffectiveEchoTime",
        "EchoTime",
        "RepetitionTime",
        "FlipAngle",
        "EchoTrainLength",
        "RFEchoTrainLength",
        "GradientEchoTrainLength",
        "SpecificAbsorptionRateSequence",
        "SpecificAbsorptionRateDefinition",
        "SpecificAbsorptionRateValue",
        "OperatingModeSequence",
        "OperatingModeType",
        "OperatingMode",
    )
)
EMPTY_IF_MISSING = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
"""Every image must have them, if only without a value (type 2)."""

_EVALUATED = (
    "SeriesInstanceUID",
    "ImageType",
    "Manufacturer",
    "ManufacturerModelName",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_READ = (*CLASSIC, *ENHANCED, *FRAME_KEYWORDS, *_EVALUATED)
READ_TAGS = frozenset(tag for keyword in _READ if (tag := tag_for_keyword(keyword)) is not None)
"""All that is ever read of a source for its derived image."""


def copy_elements(source: Dataset, keywords: Iterable[str]) -> Dataset:
    """Copies elements, and of the items of sequences what is allowed within one.

    Args:
        source: a file, or an item of a sequence.
        keywords: of elements to copy; those that the source lacks, or that cannot be read, are left out.

    Returns:
        A new dataset, its values decoded.
    """
    copied = Dataset()
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        if tag is None or tag not in source:
            continue
        vr = dictionary_VR(tag)  # not the file's, which may be UN
        try:
            value: Any = source[tag].value
            copied.add_new(tag, vr, [copy_elements(item, _NESTED) for item in value or ()] if vr == "SQ" else value)
        except Exception:  # pydicom decodes here, and raises whatever damaged bytes provoke
            continue
    return copied
