"""Which images are slices of an original MR volume, and what the others are."""

from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage

from monai_vq.data.dicom.headers import DicomHeader

__all__ = ["DERIVED", "MR_CLASSES", "find_other_kind"]

MR_CLASSES = (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)
"""Kinds of objects whose images are MR slices."""
DERIVED = "derived from other images"
"""What reformatted, filtered and defaced images say of themselves; they may be slices of a good volume."""
_LOCALIZER = {"LOCALIZER", "LOCALISER", "SCOUT", "SURVEY"}
_LOCALIZER_WORDS = ("localizer", "localiser", "scout", "survey", "plane loc", "plane_loc")  # of a series' description
_PROJECTIONS = {"MIP", "MNIP", "MINIP", "PROJECTION IMAGE"}
_REFORMATTED = {"MPR", "CSAPARALLEL", "REFORMATTED"}
_PHASES = {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY", "VELOCITY MAP"}
_MAPS = {
    *("ADC", "FA", "TRACEW", "TENSOR", "TENSOR B0", "EXPONENTIAL"),  # of diffusion
    *("B0 MAP", "B1 MAP", "FIELD MAP"),  # of fields
    *("T1 MAP", "T2 MAP", "T2 STAR MAP", "R2 MAP", "R2 STAR MAP", "PROTON DENSITY MAP"),  # of tissue
    *("RCBF", "RCBV", "NRBF", "NRBV", "MTT", "TTP", "PERFUSION FFE", "PERFUSION SE"),  # of perfusion
    *("SUBTRACTION", "STD DEVIATION", "T TEST", "Z SCORE"),  # of statistics
}


def find_other_kind(header: DicomHeader) -> str:
    """What an image is if it is not a slice of an original magnitude MR volume; empty if it is one.

    Nothing is quoted but names of the DICOM standard. An image whose header is too damaged to tell counts as a slice,
    so that it is missed in its series. `DERIVED` is told last: what is nothing worse may be wanted nevertheless.
    """
    if header.sop_class and header.sop_class not in MR_CLASSES:
        known = header.sop_class.name
        return f"{known if known != header.sop_class else 'an unknown kind of object'}, not an MR image"
    if header.modality and header.modality.upper() != "MR":
        return "not of modality MR"
    kinds = {kind.replace("_", " ") for kind in header.image_type} | {header.complex_part}
    description = f"{header.info.description} {header.info.protocol}".lower()
    if kinds & _LOCALIZER or any(word in description for word in _LOCALIZER_WORDS):
        return "a localizer"
    if kinds & _PHASES:
        return "phase, real or imaginary part of complex images, not the magnitude"
    if kinds & _MAPS:
        return "a map computed from other images"
    if kinds & _PROJECTIONS:
        return "a projection through other images"
    if "MOSAIC" in kinds:
        return "a mosaic of slices, as of functional and diffusion images"
    if "MIXED" in kinds:
        return "several kinds of images in one file"
    is_derived = "DERIVED" in header.image_type[:1] or "SECONDARY" in header.image_type[1:2] or kinds & _REFORMATTED
    return DERIVED if is_derived else ""
