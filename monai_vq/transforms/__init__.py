"""Transforms that are ours only; the rest is monai.transforms."""

from monai_vq.transforms.fit_image import FitImageSized
from monai_vq.transforms.load_slice import LoadSliced, ResampleSliced
from monai_vq.transforms.unfit_image import unfit_image

__all__ = ["FitImageSized", "LoadSliced", "ResampleSliced", "unfit_image"]
