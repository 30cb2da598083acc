"""Speed as a ratio to a peer, measured in one run: machines differ, and a shared one differs from minute to minute."""

from monai_vq.benchmark.sampling_speed import SamplingSpeed, time_pixelcnn, time_transformer
from monai_vq.benchmark.training_speed import Speed, time_training

__all__ = ["SamplingSpeed", "Speed", "time_pixelcnn", "time_training", "time_transformer"]
