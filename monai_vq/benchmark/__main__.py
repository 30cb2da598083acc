"""`python -m monai_vq.benchmark [training | sampling | likelihood]`: ours beside a peer, measured in one run."""

from __future__ import annotations

import argparse
import statistics
import sys

import torch

from monai_vq.benchmark.prior_likelihood import compare_likelihood, lines
from monai_vq.benchmark.sampling_speed import SamplingSpeed, time_pixelcnn, time_transformer
from monai_vq.benchmark.training_speed import time_training
from monai_vq.engines import or_exit
from monai_vq.engines.knobs import PRECISIONS


def main(arguments: list[str] | None = None) -> None:
    """Runs the tool that the first argument names; training where it names none."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "training")
    parser = argparse.ArgumentParser(prog="python -m monai_vq.benchmark", description=__doc__)
    tools = parser.add_subparsers(required=True, metavar="{training,sampling,likelihood}")
    _add_training(tools.add_parser("training", help="images a second of training (default)"))
    _add_sampling(tools.add_parser("sampling", help="seconds of sampling a batch of latents"))
    _add_likelihood(tools.add_parser("likelihood", help="bits a code of a finished prior and of MONAI's transformer"))
    settings = vars(parser.parse_args(given))
    settings.pop("compare")(**settings)


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--image_size", type=int, default=128, help="rows and columns (default: %(default)s)")
    add("--batch_size", type=int, default=16, help="images a step (default: %(default)s)")
    add("--precision", choices=PRECISIONS, default="bf16", help="of ours; the peer trains in fp32")
    _add_device(parser)
    add("--rounds", type=int, default=5, help="alternating between the two (default: %(default)s)")
    add("--steps", type=int, default=5, help="training steps a round (default: %(default)s)")
    parser.set_defaults(compare=_compare_training)


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--grid", type=int, nargs=2, default=(32, 32), metavar=("H", "W"), help="of the codes (default: 32 32)")
    add("--batch_size", type=int, default=4, help="latents drawn at once (default: %(default)s)")
    add("--steps", type=int, help="positions, evenly over the grid, that the peers are timed at (default: all)")
    _add_device(parser)
    parser.set_defaults(compare=_compare_sampling)


def _add_likelihood(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run_dir", default="runs/transformer", help="of a prior (default: %(default)s)")
    _add_device(parser)
    parser.set_defaults(compare=_compare_likelihood)


def _add_device(parser: argparse.ArgumentParser) -> None:
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=default, help="default: %(default)s")


def _compare_training(**settings: object) -> None:
    """Prints images a second of both networks and their ratio."""
    speed = time_training(**settings)  # type: ignore[arg-type]
    print(f"monai_vq projected VQVAE  {statistics.median(speed.ours):8.1f} images/s (median of rounds)")
    print(f"MONAI VQVAE, fp32         {statistics.median(speed.peer):8.1f} images/s")
    print(f"ratio                     {speed.ratio:8.2f}")


def _compare_sampling(grid: list[int], **settings: object) -> None:
    """Prints seconds a batch of both samplers and their ratio, for both backbones."""
    h, w = grid
    transformer = time_transformer((h, w), **settings)  # type: ignore[arg-type]
    _print_sampling("transformer, cached", "MONAI inferer", transformer)
    pixelcnn = time_pixelcnn((h, w), **settings)  # type: ignore[arg-type]
    _print_sampling("PixelCNN, cached", "full forward passes", pixelcnn)


def _compare_likelihood(**settings: str) -> None:
    """Prints bits a code of the run's models and of the peer."""
    print("\n".join(lines(or_exit(lambda: compare_likelihood(**settings)))))


def _print_sampling(ours: str, peer: str, speed: SamplingSpeed) -> None:
    timed = "whole" if speed.timed == speed.positions else f"from {speed.timed} of {speed.positions} positions"
    print(f"{ours:24}  {statistics.mean(speed.ours):8.2f} s a batch (mean of before and after the peer)")
    print(f"{peer:24}  {speed.peer:8.2f} s a batch ({timed})")
    print(f"{'ratio':24}  {speed.ratio:8.1f}", flush=True)


if __name__ == "__main__":
    main()
