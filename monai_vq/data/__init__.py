"""Prepared datasets: volumes to slices and back, the manifest, the split by patient and its proof."""

from monai_vq.data.assignment import Cohort, make_splits
from monai_vq.data.dataset import check_fit, slice_items
from monai_vq.data.foreground import foreground_mask
from monai_vq.data.hashing import file_sha256, files_sha256
from monai_vq.data.intensity import dequantize, foreground_window, quantize
from monai_vq.data.manifest import ScanRecord, read_manifest, write_manifest
from monai_vq.data.nifti import VolumeError
from monai_vq.data.orientation import PLANE_AXES, from_plane, plane_spacing, to_plane
from monai_vq.data.splits import Splits, prove_disjoint, read_splits, records_of_split, write_splits
from monai_vq.data.stack import SliceStack
from monai_vq.data.verify import verify_dataset
from monai_vq.data.volume import Volume, read_volume

__all__ = [
    "PLANE_AXES",
    "Cohort",
    "ScanRecord",
    "SliceStack",
    "Splits",
    "Volume",
    "VolumeError",
    "check_fit",
    "dequantize",
    "file_sha256",
    "files_sha256",
    "foreground_mask",
    "foreground_window",
    "from_plane",
    "make_splits",
    "plane_spacing",
    "prove_disjoint",
    "quantize",
    "read_manifest",
    "read_splits",
    "read_volume",
    "records_of_split",
    "slice_items",
    "to_plane",
    "verify_dataset",
    "write_manifest",
    "write_splits",
]
