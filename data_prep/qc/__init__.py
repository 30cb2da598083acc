"""The quality-control page of a prepared dataset: counts, rejected files, and a picture of every scan."""

from data_prep.qc.page import write_qc
from data_prep.qc.strips import ORIENTATION, slice_strip

__all__ = ["ORIENTATION", "slice_strip", "write_qc"]
