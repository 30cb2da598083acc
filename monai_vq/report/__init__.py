"""The report of a run: three score tables, a self-contained page, and a summary for the terminal."""

from monai_vq.report.codewords import write_projector
from monai_vq.report.gains import GainReport
from monai_vq.report.page import write_page
from monai_vq.report.pictures import PatientPicture, SliceChoice, choose_patients, choose_slice
from monai_vq.report.scores import RunScores, ScoreTables, write_baselines
from monai_vq.report.summary import format_summary
from monai_vq.report.tables import patient_table, slice_table, split_table, write_tables

__all__ = [
    "GainReport",
    "PatientPicture",
    "RunScores",
    "ScoreTables",
    "SliceChoice",
    "choose_patients",
    "choose_slice",
    "format_summary",
    "patient_table",
    "slice_table",
    "split_table",
    "write_baselines",
    "write_page",
    "write_projector",
    "write_tables",
]
