"""Scores of reconstructions and of latents: what the report says about a model."""

from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.metrics.codebook_usage import CodebookUsage, perplexity, usage
from monai_vq.metrics.gain_counts import GainCounts, GainHistogram
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.metrics.patient_scores import PatientScores
from monai_vq.metrics.prior_bits import PriorBits, patient_bits
from monai_vq.metrics.rate import bits_per_pixel, code_entropy_bits
from monai_vq.metrics.slice_scores import slice_scores
from monai_vq.metrics.ssim import ssim, ssim_map

__all__ = [
    "CodebookUsage",
    "GainCounts",
    "GainHistogram",
    "LatentFormat",
    "PatientScores",
    "PriorBits",
    "bits_per_pixel",
    "code_entropy_bits",
    "patient_bits",
    "patient_interval",
    "perplexity",
    "slice_scores",
    "ssim",
    "ssim_map",
    "usage",
]
