"""VQ-VAE variants and their priors for brain-MRI slices, as a MONAI plugin."""

__version__ = "0.1.0"
