"""Transforms that are ours only; the rest is monai.transforms."""

from monai_vq.transforms.load_slice import LoadSliced, ResampleSliced

__all__ = ["LoadSliced", "ResampleSliced"]
