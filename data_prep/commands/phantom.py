"""`python -m data_prep phantom`: simulated heads, in the layout of any download, prepared like one."""

import argparse
from pathlib import Path

from data_prep.commands.command import Command, public_command
from data_prep.commands.summary import print_summary
from data_prep.sources import SOURCES

__all__ = ["PHANTOM"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output_dir", type=Path, required=True, help="folder of the prepared dataset, or of the download to imitate")
    add("--num_patients", type=int, default=24, help="(default: %(default)s)")
    add("--seed", type=int, default=0, help="of the anatomies and the split (default: %(default)s)")
    add("--layout", help="write only the files, as a download of this source has them: bids, nifti, oasis1, …")
    add("--voxel_size", type=float, default=2.0, metavar="MM", help="edge of a voxel, 1 to 8 (default: %(default)s)")


def _run(options: argparse.Namespace) -> int:
    from data_prep.phantom import prepare_phantom, write_layout  # makes heads, which no other command needs to load

    if options.layout is None:
        summary = prepare_phantom(
            options.output_dir,
            seed=options.seed,
            num_patients=options.num_patients,
            voxel_size=options.voxel_size,
            command=public_command(options),
        )
        print_summary(summary)
        return 0
    root = write_layout(
        options.layout,
        options.output_dir,
        num_patients=options.num_patients,
        seed=options.seed,
        voxel_size=options.voxel_size,
    )
    example = SOURCES[options.layout].example
    print(f"{root} looks like a download of {options.layout}; prepare it by")
    print(f"python -m data_prep {options.layout} --source {root} --output_dir {root}_prepared {example}".rstrip())
    return 0


PHANTOM = Command("simulated heads, made on the spot", "--output_dir data/phantom", _add_arguments, _run)
