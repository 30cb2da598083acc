"""What a command prints at its end."""

from data_prep.prepare import PrepareSummary
from data_prep.qc.counts import count_columns
from data_prep.rejections import REJECTED_NAME
from monai_vq.data import Splits

__all__ = ["print_split", "print_summary"]


def print_summary(summary: PrepareSummary) -> None:
    """Prints notes, the table of the split, what was left out and where to look."""
    for note in summary.notes:
        print(f"note: {note}")
    print_split(summary.splits)
    print(
        f"rejected: {summary.n_rejected}, left out on purpose: {summary.n_left}, "
        f"listed in {summary.output_dir / REJECTED_NAME}"
    )
    if summary.n_empty_slices:
        print(f"slices left out for having no foreground: {summary.n_empty_slices}")
    if summary.n_reused:
        print(f"taken over from an earlier run: {summary.n_reused} {_scans(summary.splits)}")
    if summary.volumes_per_second:
        print(f"speed: {summary.volumes_per_second:.2f} {_scans(summary.splits)} a second")
    print(f"QC page: {summary.qc_page}")


def _scans(splits: Splits) -> str:
    return "stacks of images" if splits.unit == "image" else "scans"


def print_split(splits: Splits) -> None:
    """Prints the counts of each split, and what is to be known of how it was made."""
    for stratum, merged in splits.merged_strata.items():
        columns = ", ".join(splits.stratified_by)
        others = "all others" if set(merged) <= set("*, ") else f"({merged}), * being any"
        print(f"note: too few {splits.unit}s of {columns} = ({stratum}) to divide by themselves; divided with {others}")
    if splits.unit == "scan":
        print("warning: the source does not say whose scans these are; no separation of patients can be claimed")
    counts = count_columns(splits)
    print(f"{'split':<7}" + "".join(f"{name:>10}" for name in counts.values()))
    for name, row in splits.table.items():
        print(f"{name:<7}" + "".join(f"{row[column]:>10}" for column in counts))
