"""The report of a run: score tables, a self-contained page, what it is made from, and a summary for the terminal."""

from monai_vq.report.codewords import write_projector
from monai_vq.report.content import ReportContent
from monai_vq.report.gains import GainReport
from monai_vq.report.groups import group_table, write_groups
from monai_vq.report.page import write_page
from monai_vq.report.pictures import (
    DRAWN,
    PatientPicture,
    SliceChoice,
    choose_patients,
    choose_slice,
    draw_patients_by_id,
    middle_slice,
)
from monai_vq.report.scores import RunScores, ScoreTables, write_baselines
from monai_vq.report.stored import read_content, write_content
from monai_vq.report.summary import format_summary
from monai_vq.report.tables import patient_table, slice_table, split_table, write_tables

__all__ = [
    "DRAWN",
    "GainReport",
    "PatientPicture",
    "ReportContent",
    "RunScores",
    "ScoreTables",
    "SliceChoice",
    "choose_patients",
    "choose_slice",
    "draw_patients_by_id",
    "format_summary",
    "group_table",
    "middle_slice",
    "patient_table",
    "read_content",
    "slice_table",
    "split_table",
    "write_baselines",
    "write_content",
    "write_groups",
    "write_page",
    "write_projector",
    "write_tables",
]
