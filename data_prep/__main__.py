"""`python -m data_prep SOURCE ...`: prepares a dataset from one source; `verify` re-checks a prepared one."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.bids import find_scans
from data_prep.prepare import DEFAULT_FRACTIONS, PrepareSummary, prepare_bids
from data_prep.rejections import REJECTED_NAME
from data_prep.slicing import DEFAULT_SLICE_RANGE, DEFAULT_WINDOW
from monai_vq.data import PLANE_AXES, verify_dataset
from monai_vq.data.assignment import STRATA_COLUMNS
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.errors import InputError

__all__ = ["COMMANDS", "EXAMPLES", "main"]

EXAMPLES = """examples:
  python -m data_prep bids --source my_study --output_dir data/my_study
  python -m data_prep phantom --output_dir data/phantom
  python -m data_prep verify data/my_study"""


@dataclass(frozen=True)
class Command:
    """One line of `python -m data_prep --help`: its options, and what it does (returning the exit status)."""

    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; a user's mistake is one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m data_prep",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of the examples
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="SOURCE")
    for name, command in COMMANDS.items():
        command.add_arguments(subparsers.add_parser(name, help=command.summary, description=command.summary))
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


def _add_bids_arguments(parser: argparse.ArgumentParser) -> None:
    ranges = "; ".join(f"{plane} {low:g} {high:g}" for plane, (low, high) in DEFAULT_SLICE_RANGE.items())
    add = parser.add_argument
    add("--source", type=Path, required=True, help="root of the BIDS tree")
    add("--output_dir", type=Path, required=True, help="folder of the prepared dataset")
    add("--plane", default="axial", help=f"{', '.join(PLANE_AXES)} (default: axial)")
    add(
        "--slice_range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="fractions of the foreground's extent across slices "
        f"(default, for whole heads with neck: {ranges}; for skull-stripped volumes give axial 0.2 0.9)",
    )
    add("--num_slices", type=int, metavar="N", help="at most N slices a volume, evenly spaced (default: all)")
    add(
        "--window",
        type=float,
        nargs=2,
        default=DEFAULT_WINDOW,
        metavar=("LOW", "HIGH"),
        help="percentiles of the foreground that become 0 and 1 (default: %(default)s)",
    )
    add(
        "--fractions",
        type=float,
        nargs=3,
        default=DEFAULT_FRACTIONS,
        metavar=tuple(name.upper() for name in SPLIT_NAMES),
        help="shares of the patients (default: %(default)s)",
    )
    add(
        "--stratify",
        nargs="*",
        metavar="COLUMN",
        help=f"any of {', '.join(STRATA_COLUMNS)} (default: those that the tables have; none: --stratify alone)",
    )
    add("--seed", type=int, default=0, help="of the split (default: %(default)s)")
    add("--strict", action="store_true", help="stop at the first volume that cannot be used")
    add("--force", action="store_true", help="replace a dataset that was prepared with other settings")
    add("--dry_run", action="store_true", help="list what would be read, and write nothing")


def _run_bids(options: argparse.Namespace) -> int:
    if options.dry_run:
        return _list_source(options.source)
    summary = prepare_bids(
        options.source,
        options.output_dir,
        plane=options.plane,
        slice_range=options.slice_range and tuple(options.slice_range),
        num_slices=options.num_slices,
        window=tuple(options.window),
        fractions=tuple(options.fractions),
        stratify=options.stratify,
        seed=options.seed,
        strict=options.strict,
        force=options.force,
        command=_public_command(options),
    )
    _print_summary(summary)
    return 0


def _list_source(source: Path) -> int:
    found = find_scans(source)
    for scan in found.scans:
        print(f"read    {scan.source}")
    for rejection in found.rejections:
        print(f"reject  {rejection}")
    for note in found.notes:
        print(f"note: {note}")
    patients = {scan.patient_id for scan in found.scans}
    print(f"{len(found.scans)} scans of {len(patients)} patients would be read; nothing was written")
    return 0


def _public_command(options: argparse.Namespace) -> str:
    """The command line with folders cut to their last name: the rest of a path may name people or sites."""
    words = ["python -m data_prep", options.command]
    for name, value in vars(options).items():
        if name == "command" or value is None or value is False:
            continue
        values = value if isinstance(value, list | tuple) else [] if value is True else [value]
        words += [f"--{name}", *(one.resolve().name if isinstance(one, Path) else str(one) for one in values)]
    return " ".join(words)


def _print_summary(summary: PrepareSummary) -> None:
    for note in summary.notes:
        print(f"note: {note}")
    for stratum, merged in summary.splits.merged_strata.items():
        print(f"note: too few patients of ({stratum}) to divide; counted with ({merged})")
    print(f"{'split':<7}{'patients':>9}{'scans':>7}{'slices':>8}")
    for name, row in summary.splits.table.items():
        print(f"{name:<7}{row['n_patients']:>9}{row['n_scans']:>7}{row['n_slices']:>8}")
    print(f"rejected: {summary.n_rejected}, listed in {summary.output_dir / REJECTED_NAME}")
    if summary.n_empty_slices:
        print(f"slices left out for having no foreground: {summary.n_empty_slices}")
    if summary.n_reused:
        print(f"taken over from an earlier run: {summary.n_reused} scans")
    if summary.volumes_per_second:
        print(f"speed: {summary.volumes_per_second:.2f} volumes a second")
    print(f"QC page: {summary.qc_page}")


def _add_phantom_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of the prepared dataset")
    parser.add_argument("--num_patients", type=int, default=24, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the anatomies and the split (default: %(default)s)")


def _run_phantom(options: argparse.Namespace) -> int:
    from data_prep.phantom import prepare_phantom  # makes heads, which no other command needs to load

    summary = prepare_phantom(
        options.output_dir, seed=options.seed, num_patients=options.num_patients, command=_public_command(options)
    )
    _print_summary(summary)
    return 0


def _add_verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset_dir", type=Path, metavar="DATASET_DIR", help="a prepared dataset")


def _run_verify(options: argparse.Namespace) -> int:
    problems = verify_dataset(options.dataset_dir)
    for problem in problems:
        print(f"problem: {problem}")
    print(f"{options.dataset_dir}: {f'{len(problems)} problem(s)' if problems else 'good'}")
    return 1 if problems else 0


COMMANDS = {
    "bids": Command("a BIDS tree: sub-*/[ses-*/]anat/*_T1w.nii[.gz]", _add_bids_arguments, _run_bids),
    "phantom": Command("procedural T1-like heads, made on the spot", _add_phantom_arguments, _run_phantom),
    "verify": Command("re-check hashes, shapes and split of a prepared dataset", _add_verify_arguments, _run_verify),
}

if __name__ == "__main__":
    sys.exit(main())
