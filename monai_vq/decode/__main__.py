"""`python -m monai_vq.decode`: the reconstructions of scans, from their latents alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from monai_vq.decode.decoder import ScanDecoder
from monai_vq.engines.precision import check_device
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Decodes each file; returns 0, 1 where one could not be decoded, or 2 where none could be tried."""
    options = _parser().parse_args(arguments)
    try:
        device = check_device(options.device, "fp32")
        decoder = ScanDecoder(TrainedModel.read(options.run_dir, device), options.output_dir, device)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    done = sum(_decode(decoder, path) for path in options.codes)
    left = len(options.codes) - done
    print(f"{done} scan(s) decoded, {left} not: {options.output_dir}")
    return 1 if left else 0


def _decode(decoder: ScanDecoder, path: Path) -> bool:
    """Decodes a file and tells how it went in one line."""
    try:
        print(decoder.decode(path), flush=True)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except MemoryError:
        print(f"error: {path}: its volume fits neither into memory nor onto the disk.", file=sys.stderr)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        print(f"error: {path}: --output_dir {decoder.output_dir} cannot be written to ({reason}).", file=sys.stderr)
    else:
        return True
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monai_vq.decode", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("codes", nargs="+", type=Path, metavar="CODES", help="*_codes.npz of bundles/reconstruct.json")
    add("--run_dir", type=Path, required=True, metavar="RUN", help="the finished run that made them")
    add("--output_dir", type=Path, required=True, metavar="OUT", help="where to write <scan_id>_recon.nii.gz")
    default = "cuda" if torch.cuda.is_available() else "cpu"
    add("--device", default=default, help="as it was for the latents, to the bit (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
