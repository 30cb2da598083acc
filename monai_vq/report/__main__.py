"""`python -m monai_vq.report`: the page of a run again, or the comparison of several, from what their reports keep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_vq.errors import InputError
from monai_vq.report.comparison import read_comparison, write_comparison
from monai_vq.report.page import write_page
from monai_vq.report.stored import CONTENT, read_content

PUBLIC_FILES = {"index.html", "comparison.csv"}  # all that a public folder holds


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a page; returns 2 for a user's mistake."""
    options = _parser().parse_args(arguments)
    try:
        page = _write_run(options) if len(options.runs) == 1 else _write_comparison(options)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{'report' if len(options.runs) == 1 else 'comparison'}: {page}")
    return 0


def _write_run(options: argparse.Namespace) -> Path:
    (run_dir,) = options.runs
    if options.reference is not None or options.names is not None:
        raise InputError("--reference and --names are for two runs or more; give further runs, or leave them out.")
    report_dir = run_dir / "report"
    output_dir = options.output_dir or (report_dir / "public" if options.public else report_dir)
    content = read_content(run_dir)
    if options.public:
        _check_public_folder(output_dir)
    return write_page(output_dir, content, public=options.public)


def _write_comparison(options: argparse.Namespace) -> Path:
    if options.output_dir is None:
        raise InputError("a comparison of several runs needs --output_dir OUT, where it is written.")
    comparison = read_comparison(options.runs, options.reference, options.names)
    if (options.output_dir / CONTENT).exists():
        raise InputError(
            f"--output_dir {options.output_dir} is a run's report; choose a folder of the comparison's own."
        )
    if options.public:
        _check_public_folder(options.output_dir)
    return write_comparison(comparison, options.output_dir, public=options.public)


def _check_public_folder(folder: Path) -> None:
    """Refuses to put a public page beside what is not public: folders are passed on as a whole."""
    others = sorted({path.name for path in folder.iterdir()} - PUBLIC_FILES) if folder.is_dir() else []
    if others:
        raise InputError(
            f"--output_dir {folder} holds {others[0]}, which need not be public; choose an empty folder for --public."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monai_vq.report",
        description="With one run: its page again. With several: a page and tables that compare them.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run, output_dir of its bundle")
    add("--output_dir", type=Path, metavar="OUT", help="where to write; of one run its own report folder by default")
    add("--public", action="store_true", help="leave out ids, pictures, paths and groups under 5 patients")
    add("--reference", type=Path, metavar="RUN", help="the run that the others are compared with (default: the first)")
    add("--names", nargs="+", metavar="NAME", help="what to call the runs (default: their folders; public: numbers)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
