"""Reads DICOM: files to series, a series to a volume with the geometry and numbers of dcm2niix; and writes it anew."""

from monai_vq.data.dicom.consistency import check_series
from monai_vq.data.dicom.derived_series import write_derived_series
from monai_vq.data.dicom.geometry import find_grid
from monai_vq.data.dicom.grouping import MIN_SLICES, FoundSeries, LeftImages, Series, UnreadFile, find_series
from monai_vq.data.dicom.headers import DicomHeader, read_header
from monai_vq.data.dicom.kinds import DERIVED
from monai_vq.data.dicom.series import read_series

__all__ = [
    "DERIVED",
    "MIN_SLICES",
    "DicomHeader",
    "FoundSeries",
    "LeftImages",
    "Series",
    "UnreadFile",
    "check_series",
    "find_grid",
    "find_series",
    "read_header",
    "read_series",
    "write_derived_series",
]
