"""The end of a run: its best checkpoint scored on every split, the tables, the page and the terminal's summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from monai.inferers import Inferer
from torch.utils.data import DataLoader

from monai_vq.engines.batches import place
from monai_vq.engines.latent_format import latent_format
from monai_vq.engines.latent_parts import codewords_of, gain_levels
from monai_vq.engines.people import read_people
from monai_vq.engines.provenance import run_settings
from monai_vq.engines.scoring import SplitScores, make_baselines, score_split
from monai_vq.handlers.checkpoints import BEST, load_network, read_checkpoint
from monai_vq.networks import VQVAE
from monai_vq.report import (
    DRAWN,
    GainReport,
    PatientPicture,
    ReportContent,
    RunScores,
    ScoreTables,
    SliceChoice,
    choose_patients,
    choose_slice,
    draw_patients_by_id,
    format_summary,
    middle_slice,
    read_content,
    write_baselines,
    write_content,
    write_groups,
    write_page,
    write_projector,
    write_tables,
)

NO_RATE = {"bits_per_pixel": float("nan")}  # of a baseline, which stores nothing


class RunReport:
    """Scores the best checkpoint of a run on its splits and writes ``report/``.

    Args:
        run_dir: the run's folder, with ``checkpoints/best.pt``, ``metrics.csv`` and ``config.json``.
        network: of the run's architecture; the best checkpoint is loaded into it.
        loaders: a DataLoader without shuffling for each split, ``train`` among them.
        device: where to evaluate.
        inferer: its precision is the evaluation's.
        shown_split: whose best, median and worst patients are shown, and some that are drawn.
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
        """Writes the tables, the page, what it is made from (``report/content``), and the codebook for TensorBoard.

        Prints the summary.

        Returns:
            The page's path.

        Raises:
            InputError: if there is no best checkpoint, or it belongs to another network.
        """
        path = self.run_dir / "checkpoints" / BEST
        checkpoint = read_checkpoint(path, self.device)
        load_network(self.network, checkpoint, path)
        place(self.network, self.device).eval()
        by_split = self._score_splits()
        scores = self._run_scores(by_split)
        tables = ScoreTables.of_model(scores)
        content = self._content(checkpoint, scores, tables, self._gains(by_split))
        page = self._write(content, tables)
        print(f"\n{format_summary(tables.splits, content.unit, scores.latent.is_bound)}\n\nreport: {page}")
        return page

    def _score_splits(self) -> dict[str, SplitScores]:
        baselines = make_baselines(self.loaders["train"])
        return {
            split: score_split(self.network, loader, self.device, self.inferer, baselines, progress=f"scoring {split}")
            for split, loader in self.loaders.items()
        }

    def _run_scores(self, by_split: Mapping[str, SplitScores]) -> RunScores:
        counts = {split: s.code_counts for split, s in by_split.items() if s.code_counts is not None}
        image = self.loaders["train"].dataset[0]["image"].to(self.device)
        return RunScores(
            model=pd.concat([s.model.assign(split=split) for split, s in by_split.items()]),
            latent=latent_format(self.network, image, counts),
            code_counts=counts,
            baselines={
                name: pd.concat([s.baselines[name].assign(split=split, **NO_RATE) for split, s in by_split.items()])
                for name in next(iter(by_split.values())).baselines
            },
        )

    def _gains(self, by_split: Mapping[str, SplitScores]) -> GainReport | None:
        shown = by_split.get(self.shown_split)
        if shown is None or shown.gains is None:
            return None
        return GainReport(self.shown_split, shown.gains, gain_levels(self.network))

    def _content(
        self, checkpoint: Mapping[str, Any], scores: RunScores, tables: ScoreTables, gains: GainReport | None
    ) -> ReportContent:
        history = pd.read_csv(self.run_dir / "metrics.csv")
        scored_on = f"{self.device}, precision {getattr(self.inferer, 'precision', 'fp32')}"
        return ReportContent(
            scores,
            people=read_people(self.loaders),
            history=history,
            pictures=self._pictures(tables),
            codewords=codewords_of(self.network),
            gains=gains,
            settings=run_settings(self.run_dir, checkpoint, history, scored_on),
            title=f"Reconstruction report: {self.run_dir.name}",
            unit=checkpoint["record"].get("unit", "patient"),
        )

    def _write(self, content: ReportContent, tables: ScoreTables) -> Path:
        report_dir = self.run_dir / "report"
        write_tables(report_dir, tables.slices, tables.patients, tables.splits)
        write_baselines(report_dir, ScoreTables.of_baselines(content.scores))
        write_groups(report_dir, tables.slices, content.people)
        if content.codewords is not None:
            write_projector(self.run_dir / "tensorboard", content.codewords, content.scores.code_counts["train"])
        write_content(report_dir, content)
        return write_page(report_dir, read_content(self.run_dir))  # so that the page can be written again, to the byte

    def _pictures(self, tables: ScoreTables) -> list[PatientPicture]:
        """Those of the best, the median and the worst patient, and some that every run on this split keeps."""
        slices, split = tables.slices, self.shown_split
        ranked = choose_patients(tables.patients, split).items()
        chosen = [(rank, patient, choose_slice(slices, patient)) for rank, patient in ranked]
        drawn = [(DRAWN, one, middle_slice(slices, one)) for one in draw_patients_by_id(slices, split)]
        taken = [choice for _, _, choice in chosen]
        return [self._picture(*one) for one in [*chosen, *(one for one in drawn if one[2] not in taken)]]

    def _picture(self, rank: str, patient: str, chosen: SliceChoice) -> PatientPicture:
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
