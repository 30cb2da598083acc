"""Anomaly: maps of what a prior finds unlikely, restorations, and planted lesions on which they are measured."""

from monai_vq.anomaly.evaluation import METHODS, ScanMaps, Tuned, lesion_table, method_table, scan_table, tune
from monai_vq.anomaly.lesions import LESION_SETS, TESTING, TUNING, Lesion, LesionSet, Planted, plant_lesions
from monai_vq.anomaly.mapper import Mapper, ScanLatents, encode
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer
from monai_vq.anomaly.scores import DetectionScores, detection_scores
from monai_vq.anomaly.volumes import write_map

__all__ = [
    "LESION_SETS",
    "METHODS",
    "TESTING",
    "TUNING",
    "DetectionScores",
    "Lesion",
    "LesionSet",
    "Mapper",
    "NormalMap",
    "Planted",
    "Restorer",
    "ScanLatents",
    "ScanMaps",
    "Tuned",
    "detection_scores",
    "encode",
    "lesion_table",
    "method_table",
    "plant_lesions",
    "scan_table",
    "tune",
    "write_map",
]
