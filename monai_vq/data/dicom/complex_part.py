"""Which part of complex images a file holds, where ImageType does not say it."""

from pydicom.dataset import Dataset

from monai_vq.data.dicom.values import read_text

__all__ = ["COMPLEX_TAGS", "read_complex_part"]

_GE_GROUP, _GE_CREATOR, _GE_ELEMENT = 0x0043, "GEMS_PARM_01", 0x2F
_GE_PARTS = {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}
COMPLEX_TAGS = (0x00089208, 0x00430010, 0x0043102F)
"""ComplexImageComponent; the creator of GE's private block; in this, the raw data type."""


def read_complex_part(dataset: Dataset) -> str:
    """Reads `MAGNITUDE`, `PHASE`, `REAL`, `IMAGINARY` or `MIXED`; empty where nothing is said.

    Classic images of GE are of type `ORIGINAL, PRIMARY, OTHER` whatever they show; a private element tells them apart.
    """
    return read_text(dataset, "ComplexImageComponent").upper() or _GE_PARTS.get(_read_ge(dataset), "")


def _read_ge(dataset: Dataset) -> int:
    try:
        return int(dataset.private_block(_GE_GROUP, _GE_CREATOR)[_GE_ELEMENT].value)
    except Exception:  # pydicom decodes here, and raises whatever damaged bytes provoke; most files have no such block
        return 0
