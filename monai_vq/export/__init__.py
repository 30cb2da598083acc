"""A finished run as a bundle of MONAI's Model Zoo, and what such a bundle's configs name."""

from monai_vq.export.bundle import BundleText, export_run
from monai_vq.export.bundle_root import bundle_root
from monai_vq.export.finished_run import FinishedRun, read_finished_run
from monai_vq.export.inference import ReconstructionFiles, ReconstructorScores
from monai_vq.export.reconstructor import as_reconstructor

__all__ = [
    "BundleText",
    "FinishedRun",
    "ReconstructionFiles",
    "ReconstructorScores",
    "as_reconstructor",
    "bundle_root",
    "export_run",
    "read_finished_run",
]
