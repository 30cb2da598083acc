"""`python -m monai_vq.study`: trains the variants of the latent on one dataset and compares them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_vq.data import read_manifest, read_splits
from monai_vq.errors import InputError
from monai_vq.study.page import write_study_page
from monai_vq.study.plan import BUNDLES, DEFAULT_EPOCHS, plan_runs
from monai_vq.study.results import collect, write_results
from monai_vq.study.runner import run_all
from monai_vq.study.settings import parse_grid, parse_settings
from monai_vq.study.variants import REFERENCE, choose_variants, describe_variants


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the study; returns 1 if a run failed, 2 for a user's mistake, 130 if it was interrupted."""
    parser = _parser()
    options, words = parser.parse_known_args(arguments)
    if options.list:
        print(describe_variants())
        return 0
    if options.dataset_dir is None or options.output_dir is None:
        parser.error("the following arguments are required: --dataset_dir, --output_dir")
    try:
        return _run(options, words)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, words: Sequence[str]) -> int:
    read_manifest(options.dataset_dir)  # its error says how to prepare a dataset
    if len(reference := choose_variants([options.reference])) != 1:
        raise InputError(f"--reference {options.reference} is a group; expected one variant, such as {REFERENCE}.")
    settings = {"max_epochs": options.max_epochs, **parse_settings(words)}
    grid = parse_grid(options.grid)
    runs = plan_runs(
        choose_variants(options.variants),
        options.seeds,
        {name: value for name, value in settings.items() if name not in grid},
        grid,
        options.bundles,
        options.dataset_dir,
        options.output_dir,
    )
    failed = {} if options.report_only else run_all(runs, options.jobs)
    results = collect(runs, list(grid), reference[0].name)
    for name, line in failed.items():
        print(f"failed: {name}: {line}", file=sys.stderr)
    if not results.finished:
        print(f"no run is complete; see {options.output_dir / 'logs'}", file=sys.stderr)
        return 1
    write_results(results, options.output_dir)
    unit = read_splits(options.dataset_dir).unit
    page = write_study_page(results, options.output_dir, unit=unit, failed=failed)
    print(f"study: {page}")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monai_vq.study",
        description=__doc__,
        epilog="Any other --KNOB VALUE is a setting of the bundles, for the variants that have it.",
        allow_abbrev=False,  # --max would be a knob's beginning
    )
    add = parser.add_argument
    add("--dataset_dir", type=Path, metavar="DIR", help="a prepared dataset")
    add("--output_dir", type=Path, metavar="OUT", help="folder of the study; the same one goes on where it stopped")
    add("--variants", nargs="+", default=["main"], metavar="NAME", help="variants or groups (default: main)")
    add("--list", action="store_true", help="show all groups and variants, and stop")
    add("--reference", default=REFERENCE, help="variant that the others are compared with (default: %(default)s)")
    add("--seeds", type=int, default=3, metavar="N", help="runs of each variant (default: %(default)s)")
    add("--max_epochs", type=int, default=DEFAULT_EPOCHS, metavar="N", help="of every run (default: %(default)s)")
    add("--grid", nargs="+", default=[], metavar="KNOB=V,V", help="knobs to vary: batch_size=16,64 projection_cost=0,1")
    add("--bundles", type=Path, default=Path(BUNDLES), metavar="DIR", help="folder of the bundles (default: bundles)")
    add("--jobs", type=int, default=1, metavar="N", help="runs at once (default: %(default)s)")
    add("--report_only", action="store_true", help="train nothing; tables and page of what is complete")
    return parser


if __name__ == "__main__":
    sys.exit(main())
