"""The end of a run: its best checkpoint scored on every split, the tables, the page and the terminal's summary."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from monai.inferers import Inferer
from torch.utils.data import DataLoader

from monai_vq.engines.batches import place
from monai_vq.engines.scoring import SplitScores, make_baselines, score_split
from monai_vq.handlers.checkpoints import BEST, load_network, read_checkpoint
from monai_vq.metrics import LatentFormat
from monai_vq.networks import VQVAE
from monai_vq.report import (
    PatientPicture,
    RunScores,
    ScoreTables,
    choose_patients,
    choose_slice,
    format_summary,
    write_baselines,
    write_page,
    write_tables,
)

logger = logging.getLogger(__name__)


FOLDERS = ("dataset_dir", "output_dir")
LISTS_SHOWN = ("image_size", "spacing")  # of the settings; a config's other lists are handlers and steps


class RunReport:
    """Scores the best checkpoint of a run on its splits and writes ``report/``.

    Args:
        run_dir: the run's folder, with ``checkpoints/best.pt``, ``metrics.csv`` and ``config.json``.
        network: of the run's architecture; the best checkpoint is loaded into it.
        loaders: a DataLoader without shuffling for each split, ``train`` among them.
        device: where to evaluate.
        inferer: its precision is the evaluation's.
        shown_split: whose best, median and worst patients are shown.
    """

    def __init__(
        self,
        run_dir: str | Path,
        network: VQVAE,
        loaders: Mapping[str, DataLoader],
        device: torch.device | str,
        inferer: Inferer,
        shown_split: str = "test",
    ) -> None:
        self.run_dir, self.network, self.loaders = Path(run_dir), network, loaders
        self.device, self.inferer, self.shown_split = torch.device(device), inferer, shown_split

    def run(self) -> Path:
        """Writes the tables and the page, prints the summary, and returns the page's path.

        Raises:
            InputError: if there is no best checkpoint, or it belongs to another network.
        """
        path = self.run_dir / "checkpoints" / BEST
        checkpoint = read_checkpoint(path, self.device)
        load_network(self.network, checkpoint, path)
        place(self.network, self.device).eval()
        baselines = make_baselines(self.loaders["train"])
        by_split = {
            split: score_split(self.network, loader, self.device, self.inferer, baselines, progress=f"scoring {split}")
            for split, loader in self.loaders.items()
        }
        scores = self._run_scores(by_split)
        tables = ScoreTables.of_model(scores)
        unit = checkpoint["record"].get("unit", "patient")
        report_dir, history = self.run_dir / "report", pd.read_csv(self.run_dir / "metrics.csv")
        write_tables(report_dir, tables.slices, tables.patients, tables.splits)
        write_baselines(report_dir, ScoreTables.of_baselines(scores))
        page = write_page(
            report_dir,
            scores,
            tables,
            history=history,
            pictures=self._pictures(tables),
            settings=self._settings(checkpoint, history),
            title=f"Reconstruction report: {self.run_dir.name}",
            unit=unit,
        )
        print(f"\n{format_summary(tables.splits, unit)}\n\nreport: {page}")
        return page

    def _run_scores(self, by_split: Mapping[str, SplitScores]) -> RunScores:
        latent = self.latent_format()
        rate = {"bits_per_pixel": latent.bits_per_pixel}
        names = next(iter(by_split.values())).baselines
        return RunScores(
            model=pd.concat([s.model.assign(split=split, **rate) for split, s in by_split.items()]),
            latent=latent,
            code_counts={split: s.code_counts for split, s in by_split.items() if s.code_counts is not None},
            baselines={
                name: pd.concat(
                    [
                        s.baselines[name].assign(split=split, bits_per_pixel=float("nan"))
                        for split, s in by_split.items()
                    ]
                )
                for name in names
            },
        )

    def latent_format(self) -> LatentFormat:
        """Returns what one image's latent is made of, for the rate."""
        image = self.loaders["train"].dataset[0]["image"]
        with torch.no_grad():
            codes, side = self.network.encode_latent(image[None].to(self.device))
        (h, w), (H, W) = codes.shape[1:], image.shape[1:]
        return LatentFormat((h, w), (H, W), self.network.num_embeddings, side.shape[1])

    def _pictures(self, tables: ScoreTables) -> list[PatientPicture]:
        return [
            self._picture(rank, patient, tables)
            for rank, patient in choose_patients(tables.patients, self.shown_split).items()
        ]

    def _picture(self, rank: str, patient: str, tables: ScoreTables) -> PatientPicture:
        chosen = choose_slice(tables.slices, patient)
        dataset = self.loaders[self.shown_split].dataset
        index = next(
            i
            for i, item in enumerate(dataset.data)  # type: ignore[attr-defined]
            if item["scan_id"] == chosen.scan_id and item["slice_index"] == chosen.slice_index
        )
        x = dataset[index]["image"][None].to(self.device)
        with torch.no_grad():
            x_hat = self.inferer(x, self.network).x_hat.float()
        shown = [image[0].permute(1, 2, 0).squeeze(-1).cpu().numpy() for image in (x, x_hat.clamp(0, 1))]
        return PatientPicture(rank, self.shown_split, patient, chosen.scan_id, chosen.slice_index, chosen.ssim, *shown)

    def _settings(self, checkpoint: Mapping[str, Any], history: pd.DataFrame) -> dict[str, Any]:
        config = json.loads((self.run_dir / "config.json").read_text())
        last = history.iloc[-1]
        return {
            "trained": f"{last['epoch']:.0f} epochs, {last['iteration']:.0f} steps, {last['minutes']:.1f} minutes",
            "checkpoint": f"best validation SSIM, epoch {checkpoint['best_metric_epoch']}",
            "scored on": f"{self.device}, precision {getattr(self.inferer, 'precision', 'fp32')}",
            **checkpoint["record"],
            "settings": _knobs(config),
            "network": config.get("network_def", {}),
            "environment": json.loads((self.run_dir / "environment.json").read_text()),
        }


def _knobs(config: Mapping[str, Any]) -> dict[str, Any]:
    """The run's settings as they counted: an override of the trainer's own max_epochs is one of them."""
    knobs = {
        name: value for name, value in config.items() if not isinstance(value, (dict, list)) or name in LISTS_SHOWN
    }
    for name in FOLDERS:  # the rest of a path may name a person or a site, and a page is passed on
        knobs[name] = Path(str(knobs.get(name, ""))).name
    max_epochs = config.get("train", {}).get("trainer", {}).get("max_epochs")
    return knobs | ({"max_epochs": max_epochs} if isinstance(max_epochs, int) else {})
