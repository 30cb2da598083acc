"""Quantizers: z_e → codes, side, z_q."""

from monai_vq.quantizers.base import CodebookQuantizer, Quantized, Quantizer, straight_through
from monai_vq.quantizers.codebook import Codebook
from monai_vq.quantizers.identity import IdentityQuantizer
from monai_vq.quantizers.projected import ProjectedQuantizer
from monai_vq.quantizers.vector import VectorQuantizer

__all__ = [
    "Codebook",
    "CodebookQuantizer",
    "IdentityQuantizer",
    "ProjectedQuantizer",
    "Quantized",
    "Quantizer",
    "VectorQuantizer",
    "straight_through",
]
