"""Scans through a trained model and back: as images, as latents, scored, and with noise to take away."""
