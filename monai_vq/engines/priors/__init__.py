"""Training a prior on the latents of a finished run, and counting its bits."""
