"""The latents of a finished run: its network, their extraction, their files, and their batches."""
