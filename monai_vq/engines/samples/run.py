"""Images drawn from a trained prior: the job of ``bundles/sample.json``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from monai_vq.engines.checks import or_exit
from monai_vq.engines.precision import check_device
from monai_vq.engines.priors.load import PriorRun
from monai_vq.engines.samples.conditions import check_conditions, given_conditions
from monai_vq.engines.samples.files import check_format, slice_affine, write_images, write_latent, write_samples_table
from monai_vq.engines.samples.judge import FOLDER, check_judging, judge_samples
from monai_vq.metrics.prior_bits import BITS, COUNTS, patient_bits, slice_counts


@dataclass(frozen=True)
class Samples:
    """What was drawn.

    Attributes:
        images: [N, C, H, W] in [0, 1], on the CPU.
        codes: [N, h, w].
        side: [N, G, h, w].
        table: a row a sample: its conditions as given, its bits under the prior.
    """

    images: Tensor
    codes: Tensor
    side: Tensor
    table: pd.DataFrame


class SampleRun:
    """Draws images from a trained prior and writes them with a table of what each is.

    Args:
        prior_run: of `load_prior`.
        output_dir: folder for ``samples.png``, the images, ``samples.csv`` and ``latents.npz``.
        num_samples: N.
        condition: value of each condition, or a list of values that the samples take in turn; what is not given is
            unknown.
        temperature: divides the logits.
        top_k: draws from the k likeliest symbols only.
        top_p: draws from the likeliest symbols that hold this share of the probability.
        guidance: exaggerates the condition; see `Prior.sample`.
        seed: of the draws: equal settings on an equal machine give equal samples.
        batch_size: samples that are drawn at a time.
        output_format: ``npy`` or ``nifti``.
        dataset_dir: of training: with it the samples are compared on a page, ``report/index.html``, and as its slices
            lie NIfTI files do; None for no page, and for the dataset that the prior's run names.
        judge: whether to write the page.
    """

    def __init__(
        self,
        prior_run: PriorRun,
        output_dir: str | Path,
        num_samples: int = 16,
        condition: Mapping[str, Any] | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
        batch_size: int = 16,
        output_format: str = "npy",
        dataset_dir: str | None = None,
        judge: bool = True,
    ) -> None:
        self.prior_run, self.output_dir, self.output_format = prior_run, Path(output_dir), output_format
        self.num_samples, self.condition, self.seed, self.batch_size = num_samples, condition, seed, batch_size
        self.dataset_dir, self.judge = dataset_dir, judge
        self.choice: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "guidance": guidance}

    def run(self) -> Samples:
        """Draws, writes and returns the samples.

        Raises:
            InputError: if a condition is none of this prior's, or, for NIfTI, the dataset is missing or damaged.
        """
        run, affine = self.prior_run, None
        if self.output_format == "nifti":
            affine = slice_affine(self.dataset_dir or run.dataset_dir, run.image_size, run.spacing)
        samples = self.draw()
        files = write_images(self.output_dir, samples.images, self.output_format, affine)
        table = samples.table.assign(file=files, seed=self.seed)
        write_samples_table(self.output_dir, table)
        write_latent(self.output_dir, samples.codes, samples.side)
        mean = table["bits_per_pixel"].mean()
        print(f"{len(table)} samples of {mean:.4f} bits/pixel: {self.output_dir / 'samples.png'}", flush=True)
        if self.judge and self.dataset_dir is not None:
            self._judge(samples, self.dataset_dir)
        return samples

    def _judge(self, samples: Samples, dataset_dir: str) -> None:
        given = pd.DataFrame(given_conditions(self.condition, self.num_samples))
        choice = self.choice | {"condition": "none" if self.condition is None else repr(dict(self.condition))}
        judge_samples(self.prior_run, samples.images, given, dataset_dir, self.output_dir, self.seed, choice)
        print(f"report: {self.output_dir / FOLDER / 'index.html'}", flush=True)

    @torch.no_grad()
    def draw(self) -> Samples:
        """Draws the samples and decodes them."""
        run, parts = self.prior_run, []
        given = given_conditions(self.condition, self.num_samples)
        condition = torch.cat([run.fields.encode_given(row, 1) for row in given])
        device = run.prior.to_logits.weight.device
        generator = torch.Generator(device).manual_seed(self.seed)
        for chunk in condition.to(device).split(self.batch_size):
            parts.append(self._draw_batch(chunk if run.fields.fields else None, len(chunk), generator))
        images, codes, side, counts = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        columns = {f"condition_{name}": [row.get(name) for row in given] for name in run.fields.names}
        table = pd.DataFrame({"sample": range(self.num_samples), **columns}).join(_bits_table(counts))
        return Samples(images, codes, side, table)

    def _draw_batch(self, condition: Tensor | None, number: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Images, codes, side and counts [B, …] of a batch."""
        run = self.prior_run
        show = sys.stderr.isatty()
        shape = (number, *run.grid_size)
        codes, side = run.prior.sample(shape, condition, generator=generator, progress=show, **self.choice)
        images = run.network.decode_latent(codes, side).float().clamp(0, 1)
        bits = run.prior.bits(codes, side, condition)
        counts = slice_counts(run.prior.alphabet, codes, bits, images[0, 0].numel())
        return images.cpu(), codes.cpu(), side.cpu(), torch.stack(list(counts.values()), dim=1).cpu()


def check_sampling(
    prior_run: PriorRun,
    dataset_dir: str,
    condition: Mapping[str, Any] | None,
    guidance: float | None,
    num_samples: int,
    output_format: str,
    judge: bool,
) -> None:
    """Refuses unknown conditions, and a dataset that samples cannot be judged by, before anything is written.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """

    def check() -> None:
        check_conditions(prior_run, condition, guidance, num_samples)
        check_format(output_format, prior_run.in_channels)
        if judge:
            check_judging(prior_run, dataset_dir, num_samples)

    or_exit(check)


def check_device_or_exit(device: str | torch.device) -> None:
    """Refuses a device that is absent.

    Raises:
        SystemExit: with one line.
    """
    or_exit(lambda: check_device(device, "fp32"))


def _bits_table(counts: Tensor) -> pd.DataFrame:
    """``BITS`` of each sample, from its counts [N, …]."""
    rows = pd.DataFrame(counts.numpy(), columns=list(COUNTS)).assign(patient_id=range(len(counts)))
    return patient_bits(rows)[list(BITS)].reset_index(drop=True)
