"""Quantizers: z_e → codes, side, z_q."""

from monai_vq.quantizers.base import CodebookQuantizer, Quantized, Quantizer
from monai_vq.quantizers.codebook import Codebook
from monai_vq.quantizers.estimators import rotation, straight_through
from monai_vq.quantizers.frequency import FrequencyQuantizer
from monai_vq.quantizers.gains import GainQuantizer
from monai_vq.quantizers.hybrid import HybridQuantizer
from monai_vq.quantizers.identity import IdentityQuantizer
from monai_vq.quantizers.projected import ProjectedQuantizer
from monai_vq.quantizers.vector import VectorQuantizer
from monai_vq.quantizers.width_projected import WidthProjectedQuantizer

__all__ = [
    "Codebook",
    "CodebookQuantizer",
    "FrequencyQuantizer",
    "GainQuantizer",
    "HybridQuantizer",
    "IdentityQuantizer",
    "ProjectedQuantizer",
    "Quantized",
    "Quantizer",
    "VectorQuantizer",
    "WidthProjectedQuantizer",
    "rotation",
    "straight_through",
]
