"""Priors: p(codes, side) over the latents of stage 1, to generate and to score images."""

from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.priors.backbone import Backbone, Stepper
from monai_vq.priors.conditions import Categorical, ConditionEmbedding, ConditionFields, Continuous
from monai_vq.priors.from_monai import from_monai
from monai_vq.priors.gaussian_prior import GaussianPrior
from monai_vq.priors.pixelcnn import GatedPixelCNN
from monai_vq.priors.prior import LatentBits, Prior
from monai_vq.priors.sampling import Kept
from monai_vq.priors.transformer import CausalTransformer

__all__ = [
    "Backbone",
    "Categorical",
    "CausalTransformer",
    "ConditionEmbedding",
    "ConditionFields",
    "Continuous",
    "GatedPixelCNN",
    "GaussianPrior",
    "Kept",
    "LatentAlphabet",
    "LatentBits",
    "Prior",
    "Stepper",
    "from_monai",
]
