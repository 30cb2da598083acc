"""The end of a prior's run: bits of its best checkpoint on every split, beside those of models without neighbours."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from monai.data import DataLoader, Dataset
from monai.inferers import Inferer
from torch import Tensor
from tqdm import tqdm

from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.engines.batches import place
from monai_vq.engines.latents.batches import PrepareLatents, latent_tensors
from monai_vq.engines.priors.baselines import BitCounter, OrderZero, Uniform
from monai_vq.engines.priors.data import PriorData
from monai_vq.engines.priors.tables import bits_by_patient, bits_by_split, format_bits, write_bits
from monai_vq.handlers.checkpoints import BEST, load_network, read_checkpoint
from monai_vq.metrics import PriorBits
from monai_vq.priors import LatentBits, Prior
from monai_vq.priors.gaussian_prior import GaussianPrior

FITTED_AT_ONCE = 256  # slices that the models without neighbours count at once
TRAINING_SLICES = 1000  # of the training patients, evenly: what shows an overfit; a pass over all takes an epoch's time


class PriorReport:
    """Counts the bits of a prior's best checkpoint on its splits and writes ``report/prior_*.csv``.

    Beside it stand ``uniform``, the latent as it is stored without a prior; ``order 0``, its empirical entropy; and
    ``gaussian``, the codes by their frequency and each code's gains by a normal distribution, the prior that the
    projected report proposed; ``gaussian by position`` counts the codes at each position of the grid by themselves.

    Args:
        run_dir: the run's folder, with ``checkpoints/best.pt``.
        prior: of the run's architecture; the best checkpoint is loaded into it.
        data: what it was trained on.
        batch_size: slices at a time.
        device: where to evaluate.
        inferer: its precision is the evaluation's.
    """

    def __init__(
        self,
        run_dir: str | Path,
        prior: Prior,
        data: PriorData,
        batch_size: int,
        device: torch.device | str,
        inferer: Inferer,
    ) -> None:
        self.run_dir, self.prior, self.data, self.batch_size = Path(run_dir), prior, data, batch_size
        self.device, self.inferer = torch.device(device), inferer

    def run(self) -> pd.DataFrame:
        """Writes the tables, prints that of the splits and returns it.

        Raises:
            InputError: if there is no best checkpoint, or it belongs to another prior.
        """
        path = self.run_dir / "checkpoints" / BEST
        checkpoint = read_checkpoint(path, self.device)
        load_network(self.prior, checkpoint, path)
        place(self.prior, self.device).eval()
        patients = bits_by_patient(self._count_splits())
        splits = bits_by_split(patients)
        report_dir = self.run_dir / "report"
        write_bits(report_dir, patients, splits)
        print(f"\n{format_bits(splits, checkpoint['record'].get('unit', 'patient'))}\n\nreport: {report_dir}")
        return splits

    def _count_splits(self) -> pd.DataFrame:
        alphabet = self.prior.alphabet
        fitted: dict[str, GaussianPrior | OrderZero] = {
            "gaussian by position": GaussianPrior(copy.deepcopy(alphabet), self.data.grid_size).to(self.device),
            "gaussian": GaussianPrior(copy.deepcopy(alphabet)).to(self.device),
            "order 0": OrderZero(alphabet),
        }
        for codes, side in self._latents("train"):
            for model in fitted.values():
                model.fit(codes, side)
        prior = _UnderPrecision(self.prior, self.inferer)
        models: dict[str, BitCounter] = {"prior": prior, **fitted, "uniform": Uniform(alphabet)}
        return pd.concat([self._count(split, name, model) for split in SPLIT_NAMES for name, model in models.items()])

    def _latents(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Codes and side of a split on the device, in parts: as int64 a dataset takes eight times its bytes on disk."""
        stored, alphabet = self.data.latents(split), self.prior.alphabet
        for first in range(0, len(stored.codes), FITTED_AT_ONCE):
            part = slice(first, first + FITTED_AT_ONCE)
            codes = torch.from_numpy(stored.codes[part].astype(np.int64)).to(self.device)
            side = torch.from_numpy(stored.side[part]).to(self.device)
            yield codes, side if alphabet.vector_size else alphabet.decode(codes, side.long())

    @torch.no_grad()
    def _count(self, split: str, name: str, model: BitCounter) -> pd.DataFrame:
        metric = PriorBits(self.prior.alphabet, self.data.stage1.image_size)
        prepare = PrepareLatents(self.prior.alphabet)
        loader = self._loader(split)
        for batch in tqdm(loader, desc=f"{name}, {split}", disable=name != "prior" or not sys.stderr.isatty()):
            codes, _, (side, condition), _ = prepare(batch, self.device)
            metric.update((batch, codes, model.bits(codes, side, condition)))
        metric.compute()
        return metric.rows.assign(split=split, model=name)

    def _loader(self, split: str) -> DataLoader:
        items = self.data.items(split)
        every = -(-len(items) // TRAINING_SLICES) if split == "train" else 1
        return DataLoader(Dataset(items[::every], latent_tensors), batch_size=self.batch_size)


class _UnderPrecision:
    """A prior whose bits are counted in the precision of the run."""

    def __init__(self, prior: Prior, inferer: Inferer) -> None:
        self.prior, self.inferer = prior, inferer

    def bits(self, codes: Tensor, side: Tensor, condition: Tensor | None = None) -> LatentBits:
        return self.inferer(codes, self.prior, side, condition)
