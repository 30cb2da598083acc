"""Speed as a ratio to a peer, measured in one run: machines differ, and a shared one differs from minute to minute."""

from monai_vq.benchmark.training_speed import Speed, time_training

__all__ = ["Speed", "time_training"]
