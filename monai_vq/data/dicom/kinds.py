"""Which images are slices of an original MR volume, and what the others are."""

from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage

from monai_vq.data.dicom.headers import DicomHeader

__all__ = ["MR_CLASSES", "find_other_kind"]

MR_CLASSES = (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)
"""Kinds of objects whose images are MR slices."""
_LOCALIZER = {"LOCALIZER", "LOCALISER", "SCOUT", "SURVEY"}
_LOCALIZER_WORDS = ("localizer", "localiser", "scout", "survey", "plane loc", "plane_loc")  # of a series' description
_PROJECTIONS = {"MPR", "MIP", "MNIP", "PROJECTION IMAGE", "CSAPARALLEL", "REFORMATTED"}
_PHASES = {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}


def find_other_kind(header: DicomHeader) -> str:
    """What an image is if it is not a slice of an original magnitude MR volume; empty if it is one.

    Nothing is quoted but names of the DICOM standard. An image whose header is too damaged to tell counts as a slice,
    so that it is missed in its series.
    """
    if header.sop_class and header.sop_class not in MR_CLASSES:
        known = header.sop_class.name
        return f"{known if known != header.sop_class else 'an unknown kind of object'}, not an MR image"
    if header.modality and header.modality.upper() != "MR":
        return "not of modality MR"
    kinds = set(header.image_type)
    description = f"{header.info.description} {header.info.protocol}".lower()
    if kinds & _LOCALIZER or any(word in description for word in _LOCALIZER_WORDS):
        return "a localizer"
    if "DERIVED" in header.image_type[:1] or "SECONDARY" in header.image_type[1:2] or kinds & _PROJECTIONS:
        return "derived from other images"
    if kinds & _PHASES:
        return "phase, real or imaginary part of complex images, not the magnitude"
    if "MOSAIC" in kinds:
        return "a mosaic of slices, as of functional images"
    return "several kinds of images in one file" if "MIXED" in kinds else ""
