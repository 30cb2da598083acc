"""`python -m monai_vq.export RUN`: a finished run as a bundle of MONAI's Model Zoo, with a model card."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monai_vq.errors import InputError
from monai_vq.export.bundle import BundleText, export_run
from monai_vq.export.data_terms import TERMS


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the bundle; a user's mistake is one line on stderr and exit status 2."""
    options = _parser().parse_args(arguments)
    text = BundleText(options.authors, options.bundle_version, options.dataset, options.data_license)
    try:
        remaining = export_run(options.run_dir, options.output_dir, text)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for sentence in remaining:
        print(f"warning: {sentence}", file=sys.stderr)
    print(f"bundle: {options.output_dir} (read its docs/README.md before you hand it on)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monai_vq.export", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("run_dir", type=Path, metavar="RUN", help="output_dir of a bundle that was trained to its report")
    add("--output_dir", type=Path, required=True, metavar="DIR", help="the bundle's folder; its name is the bundle's")
    add("--dataset", choices=sorted(TERMS), help="whose terms the data has (default: known from the source, or not)")
    add("--data_license", type=Path, metavar="FILE", help="the licence of the data, for docs/data_license.txt")
    add("--authors", default="the authors of this model", help="of the model (default: %(default)s)")
    add("--bundle_version", default="0.1.0", metavar="X.Y.Z", help="of the bundle (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
