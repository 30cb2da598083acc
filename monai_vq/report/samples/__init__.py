"""Samples judged: scores beside real slices, two tables and a page."""

from monai_vq.report.samples.judge import judge
from monai_vq.report.samples.scores import SampleScores, score_samples
from monai_vq.report.samples.slice_set import SliceSet

__all__ = ["SampleScores", "SliceSet", "judge", "score_samples"]
