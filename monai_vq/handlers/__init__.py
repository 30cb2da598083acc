"""Handlers of the engines: one a file, each attached to a trainer or an evaluator."""

from monai_vq.handlers.budget import TrainingBudget
from monai_vq.handlers.checkpoints import RunCheckpoints
from monai_vq.handlers.codebook_use import CodebookUse
from monai_vq.handlers.continuous_share import ContinuousShare
from monai_vq.handlers.early_stop import EarlyStop
from monai_vq.handlers.gain_log import GainLog
from monai_vq.handlers.gradient_clip import GradientClip
from monai_vq.handlers.history import History
from monai_vq.handlers.images import ReconstructionGrid
from monai_vq.handlers.non_finite import StopAtNonFinite
from monai_vq.handlers.prior_history import PriorHistory
from monai_vq.handlers.prior_progress import PriorProgress
from monai_vq.handlers.progress import TrainingProgress
from monai_vq.handlers.quantizer_epoch import QuantizerEpoch
from monai_vq.handlers.sample_grid import SampleGrid
from monai_vq.handlers.shared import shared
from monai_vq.handlers.spike_ratio import SpikeRatio
from monai_vq.handlers.validation import Validation

__all__ = [
    "CodebookUse",
    "ContinuousShare",
    "EarlyStop",
    "GainLog",
    "GradientClip",
    "History",
    "PriorHistory",
    "PriorProgress",
    "QuantizerEpoch",
    "ReconstructionGrid",
    "RunCheckpoints",
    "SampleGrid",
    "SpikeRatio",
    "StopAtNonFinite",
    "TrainingBudget",
    "TrainingProgress",
    "Validation",
    "shared",
]
