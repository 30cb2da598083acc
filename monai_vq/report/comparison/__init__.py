"""Runs compared: scores side by side, differences patient by patient, two tables and a page."""

from monai_vq.report.comparison.runs import ComparedRun, Comparison, read_comparison
from monai_vq.report.comparison.write import write_comparison

__all__ = ["ComparedRun", "Comparison", "read_comparison", "write_comparison"]
