"""Maps of what a prior finds abnormal: the job of ``bundles/anomaly.json``."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NoReturn

import pandas as pd

from monai_vq.anomaly.evaluation import METHODS, Tuned, lesion_table, method_table, scan_table, tune
from monai_vq.anomaly.lesions import TESTING, TUNING, LesionSet
from monai_vq.anomaly.mapper import UNLIKELY, Mapper
from monai_vq.anomaly.restoration import Restorer
from monai_vq.data import read_splits
from monai_vq.engines.anomaly.checks import NAMED, seen_patients
from monai_vq.engines.anomaly.files import scan_row, write_maps, write_tables
from monai_vq.engines.anomaly.healthy import learn_normal, with_progress
from monai_vq.engines.anomaly.mapping import MappedScan, map_scan, plant
from monai_vq.engines.anomaly.pictures import PictureStore, choose_lesions, choose_scans, lesion_pictures, scan_picture
from monai_vq.engines.anomaly.scan_stacks import scan_stacks
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError
from monai_vq.report.anomaly_figures import AnomalyPicture
from monai_vq.report.anomaly_page import Evaluation, write_anomaly_page

logger = logging.getLogger(__name__)
LEFT_OUT = ("split", "patient_id", "scan_id", "reason")


@dataclass(frozen=True)
class _Tables:
    """What is kept of each scan while the next ones are mapped."""

    means: list[dict[str, object]] = field(default_factory=list)
    scores: list[pd.DataFrame] = field(default_factory=list)
    lesions: list[pd.DataFrame] = field(default_factory=list)


class AnomalyRun:
    """Maps the scans of a split; with planted lesions, measures how well each map finds them.

    Args:
        prior_run: of `load_prior`; its own dataset says what is normal.
        dataset_dir: whose scans are mapped.
        output_dir: folder for ``maps/``, the tables and ``index.html``.
        split: whose scans are mapped.
        plant_lesions: plants lesions of the testing set into them, after the methods' thresholds and smoothings were
            chosen on lesions of the tuning set in validation patients. A scan without a site for a lesion is left out
            and named.
        num_restorations: of each slice; more make a smoother map and cost time in proportion.
        seed: of lesions and restorations; a scan's do not depend on the other scans.
        batch_size: slices at a time.
        prior_dataset_dir: where the prior's own dataset is now, if it was moved.
    """

    def __init__(
        self,
        prior_run: PriorRun,
        dataset_dir: str | Path,
        output_dir: str | Path,
        split: str = "test",
        plant_lesions: bool = False,
        num_restorations: int = 4,
        seed: int = 0,
        batch_size: int = 32,
        prior_dataset_dir: str | None = None,
    ) -> None:
        self.prior_run, self.dataset_dir, self.output_dir = prior_run, Path(dataset_dir), Path(output_dir)
        self.prior_dataset_dir = prior_dataset_dir or prior_run.dataset_dir
        self.split, self.plant_lesions, self.seed = split, plant_lesions, seed
        self.restorer = Restorer(prior_run.prior, prior_run.network, num_restorations, batch_size)
        self.left_out: list[tuple[str, str, str, str]] = []  # by the columns LEFT_OUT

    def run(self) -> Path:
        """Writes the maps, the tables and the page; returns the page's path. Scans are in memory one after another.

        Raises:
            InputError: if a dataset is missing or damaged, the split has no scans, or no scan has sites for lesions.
        """
        self.left_out.clear()
        mapper = self.learn_normal()
        tuned = self._tune(mapper) if self.plant_lesions else None
        with tempfile.TemporaryDirectory() as folder:
            store, tables = PictureStore(folder), _Tables()
            for scan in self.map_scans(mapper, self.dataset_dir, self.split, TESTING if self.plant_lesions else None):
                write_maps(self.output_dir / "maps", scan, self.prior_run.spacing)
                _keep(scan, tuned, tables, store)
            if not tables.means:
                self._refuse_empty(self.split, self.dataset_dir)
            means = pd.DataFrame(tables.means)
            if tuned is None:
                write_tables(self.output_dir, {"anomaly": means})
                return self._write_page(store.take(choose_scans(means["likelihood_mean"].tolist())), means, None)
            evaluation = self._evaluate(tables)
            return self._write_page(store.take(choose_lesions(evaluation.lesions)), means, evaluation)

    def learn_normal(self) -> Mapper:
        """Learns what is normal from the prior's own dataset: bits of validation, brightness of training patients."""
        return learn_normal(self.prior_run, self.restorer, self.prior_dataset_dir)

    def map_scans(
        self, mapper: Mapper, dataset_dir: str | Path, split: str, lesion_set: LesionSet | None
    ) -> Iterator[MappedScan]:
        """Maps the scans of a split one after another, with lesions of a set or as they are."""
        for stack in with_progress(scan_stacks(self.prior_run, dataset_dir, split), f"maps of {split}"):
            try:
                planted = plant(stack, lesion_set, self.seed)
            except InputError as error:  # such as a small head: the others' lesions count all the same
                logger.warning(f"left out: {error}")
                self.left_out.append((split, stack.record.patient_id, stack.record.scan_id, str(error)))
                continue
            yield map_scan(mapper, stack, planted, self.seed)

    def _tune(self, mapper: Mapper) -> dict[str, Tuned]:
        """Chooses on validation patients of the prior's own dataset."""
        scans = self.map_scans(mapper, self.prior_dataset_dir, "val", TUNING)
        first = next(scans, None)
        if first is None:
            self._refuse_empty("val", self.prior_dataset_dir)
        return tune(scan.maps for scan in chain([first], scans))

    def _refuse_empty(self, split: str, dataset_dir: str | Path) -> NoReturn:
        reasons = [reason for which, *_, reason in self.left_out if which == split]
        if reasons:
            raise InputError(f"no scan of the {split} split of {dataset_dir} can hold the lesions; first: {reasons[0]}")
        raise InputError(f"the {split} split of {dataset_dir} has no slices; choose another --split.")

    def _evaluate(self, tables: _Tables) -> Evaluation:
        """Writes the tables of the scores."""
        by_scan, by_lesion = (_by_method(parts) for parts in (tables.scores, tables.lesions))
        evaluation = Evaluation(method_table(by_scan), by_scan, by_lesion)
        left_out = pd.DataFrame(self.left_out, columns=list(LEFT_OUT))
        named = {"anomaly": by_scan, "anomaly_methods": evaluation.methods, "anomaly_lesions": by_lesion}
        write_tables(self.output_dir, named | {"anomaly_left_out": left_out})
        print(evaluation.methods[["method", "auroc", "average_precision", "dice", "best_dice"]].to_string(index=False))
        return evaluation

    def _write_page(
        self, pictures: Sequence[AnomalyPicture], table: pd.DataFrame, evaluation: Evaluation | None
    ) -> Path:
        run = self.prior_run
        settings = {
            "prior": run.run_dir.name,
            "stage 1": run.stage1_dir.name,
            "dataset": self.dataset_dir.name,
            "split": f"{self.split}, sha256 {read_splits(self.dataset_dir).sha256}",
            "restorations of a slice": self.restorer.number,
            "unlikely": f"above the {UNLIKELY:.0%} quantile of healthy validation slices",
            "seed": self.seed,
        }
        unit = read_splits(self.dataset_dir).unit
        path = self.output_dir / "index.html"
        write_anomaly_page(path, pictures, table, evaluation, settings, self._cautions(), unit=unit)
        print(f"maps: {self.output_dir / 'maps'}\nreport: {path}", flush=True)
        return path

    def _cautions(self) -> list[str]:
        cautions = []
        own, mapped = (read_splits(folder) for folder in (self.prior_dataset_dir, self.dataset_dir))
        if own.sha256 != mapped.sha256:
            cautions.append(
                "These scans are of another dataset than the prior's: another scanner looks abnormal as well."
            )
            seen = seen_patients(self.prior_dataset_dir, str(self.dataset_dir), self.split)
            if seen.patients:
                cautions.append(
                    f"The prior has seen {mapped.unit}s of this split ({seen}): to it they look more normal."
                )
                logger.warning(cautions[-1])
        elif self.split != "test":
            cautions.append(
                f"The prior has seen patients of the {self.split} split: to it they look more normal than others."
            )
        if self.left_out:
            names = ", ".join(f"{scan_id} ({split})" for split, _, scan_id, _ in self.left_out[:NAMED])
            more = " and others" if len(self.left_out) > NAMED else ""
            number = len(self.left_out)
            cautions.append(
                f"Left out, without a site for every lesion ({number} in all): {names}{more}. See anomaly_left_out.csv."
            )
        return cautions


def _keep(scan: MappedScan, tuned: dict[str, Tuned] | None, tables: _Tables, store: PictureStore) -> None:
    """Keeps a scan's scores and, on disk, the slices that may be shown."""
    tables.means.append(scan_row(scan))
    if tuned is None:
        store.add(scan_picture(scan.maps, scan.planted.images))
        return
    tables.scores.append(scan_table([scan.maps], tuned))
    tables.lesions.append(lesion_table([scan.maps], tuned))
    for picture in lesion_pictures(scan.maps, scan.planted.images):
        store.add(picture)


def _by_method(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Joins the tables of scans, method by method."""
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values("method", key=lambda names: names.map(METHODS.index), kind="stable", ignore_index=True)
