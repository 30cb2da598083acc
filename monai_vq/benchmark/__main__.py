"""`python -m monai_vq.benchmark`: speed as a ratio to a peer, measured in one run."""

from __future__ import annotations

import argparse
import statistics

import torch

from monai_vq.benchmark.training_speed import time_training
from monai_vq.engines.knobs import PRECISIONS


def main(arguments: list[str] | None = None) -> None:
    """Prints images a second of both networks and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m monai_vq.benchmark", description=__doc__)
    add = parser.add_argument
    add("--image_size", type=int, default=128, help="rows and columns (default: %(default)s)")
    add("--batch_size", type=int, default=16, help="images a step (default: %(default)s)")
    add("--precision", choices=PRECISIONS, default="bf16", help="of ours; the peer trains in fp32")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default: %(default)s")
    add("--rounds", type=int, default=5, help="alternating between the two (default: %(default)s)")
    add("--steps", type=int, default=5, help="training steps a round (default: %(default)s)")
    speed = time_training(**vars(parser.parse_args(arguments)))
    print(f"monai_vq projected VQVAE  {statistics.median(speed.ours):8.1f} images/s (median of rounds)")
    print(f"MONAI VQVAE, fp32         {statistics.median(speed.peer):8.1f} images/s")
    print(f"ratio                     {speed.ratio:8.2f}")


if __name__ == "__main__":
    main()
