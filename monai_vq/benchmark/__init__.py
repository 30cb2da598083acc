"""Speed as a ratio to a peer, measured in one run: machines differ, and a shared one differs from minute to minute."""

from monai_vq.benchmark.training_speed import Speed, training_speed

__all__ = ["Speed", "training_speed"]
