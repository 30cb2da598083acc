"""Maps of what a prior finds abnormal: the job of ``bundles/anomaly.json``."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from monai_vq.anomaly.evaluation import PRIOR_METHODS, ScanMaps, lesion_table, method_table, scan_table, tune
from monai_vq.anomaly.lesions import TESTING, TUNING, LesionSet, Planted, plant_lesions
from monai_vq.anomaly.mapper import UNLIKELY, Mapper, encode
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer
from monai_vq.anomaly.volumes import write_map
from monai_vq.data import read_splits
from monai_vq.engines.anomaly.pictures import lesion_pictures, scan_pictures
from monai_vq.engines.anomaly.scan_stacks import ScanStack, scan_stacks
from monai_vq.engines.checks import or_exit
from monai_vq.engines.latents.stage1 import check_split
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError
from monai_vq.report.anomaly_figures import AnomalyPicture
from monai_vq.report.anomaly_page import Evaluation, write_anomaly_page
from monai_vq.report.tables import write_whole

MAX_NORMAL_SCANS = 100  # of the training patients, from which normal brightness is learned


@dataclass(frozen=True)
class MappedScan:
    """A scan with its maps.

    Attributes:
        stack: as it was read.
        planted: with the lesions, none where none were wanted.
        maps: by method, and what scores need.
        bits_per_pixel: of the slices, on average.
    """

    stack: ScanStack
    planted: Planted
    maps: ScanMaps
    bits_per_pixel: float


class AnomalyRun:
    """Maps the scans of a split; with planted lesions, measures how well each map finds them.

    Args:
        prior_run: of `load_prior`; its own dataset says what is normal.
        dataset_dir: whose scans are mapped.
        output_dir: folder for ``maps/``, the tables and ``index.html``.
        split: whose scans are mapped.
        plant_lesions: plants lesions of the testing set into them, after the methods' thresholds and smoothings were
            chosen on lesions of the tuning set in validation patients.
        num_restorations: of each slice; more make a smoother map and cost time in proportion.
        seed: of lesions and restorations; a scan's do not depend on the other scans.
        batch_size: slices at a time.
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
    ) -> None:
        self.prior_run, self.dataset_dir, self.output_dir = prior_run, Path(dataset_dir), Path(output_dir)
        self.split, self.plant_lesions, self.seed = split, plant_lesions, seed
        self.restorer = Restorer(prior_run.prior, prior_run.network, num_restorations, batch_size)

    def run(self) -> Path:
        """Writes the maps, the tables and the page; returns the page's path.

        Raises:
            InputError: if a dataset is missing or damaged, the split has no scans, or a lesion finds no site.
        """
        mapper = self.learn_normal()
        tuned = None
        if self.plant_lesions:
            reference = self.prior_run.dataset_dir
            tuned = tune([scan.maps for scan in self.map_scans(mapper, reference, "val", TUNING)])
        scans = []
        for scan in self.map_scans(mapper, self.dataset_dir, self.split, TESTING if self.plant_lesions else None):
            self._write_maps(scan)
            scans.append(scan)
        if not scans:
            raise InputError(f"the {self.split} split of {self.dataset_dir} has no slices; choose another --split.")
        table, evaluation = _scan_means(scans), None
        maps, images = [scan.maps for scan in scans], [scan.planted.images for scan in scans]
        if tuned is None:
            self._write_tables({"anomaly": table})
            return self._write_page(scan_pictures(maps, images), table, None)
        by_scan = scan_table(maps, tuned)
        evaluation = Evaluation(method_table(by_scan), by_scan, lesion_table(maps, tuned))
        named = {"anomaly": by_scan, "anomaly_methods": evaluation.methods, "anomaly_lesions": evaluation.lesions}
        self._write_tables(named)
        print(evaluation.methods[["method", "auroc", "average_precision", "dice", "best_dice"]].to_string(index=False))
        return self._write_page(lesion_pictures(maps, images, evaluation.lesions), table, evaluation)

    def learn_normal(self) -> Mapper:
        """Learns what is normal from the prior's own dataset: bits of validation, brightness of training patients."""
        reference = self.prior_run.dataset_dir
        bits, positions, inside = [], [], []
        for stack in self._progress(scan_stacks(self.prior_run, reference, "val"), "normal bits"):
            latents = encode(self.restorer, stack.images, stack.condition)
            bits.append(latents.bits.numpy())
            positions.append(stack.slice_positions)
            inside.append(_positions_inside(stack.foreground, self.prior_run.grid_size))
        normal_bits = NormalMap(np.concatenate(bits), np.concatenate(positions))
        deviation = normal_bits.deviation(np.concatenate(bits), np.concatenate(positions))[np.concatenate(inside)]
        stacks = list(scan_stacks(self.prior_run, reference, "train", MAX_NORMAL_SCANS))
        images = NormalMap(
            np.concatenate([stack.images[:, 0].numpy() for stack in stacks]),
            np.concatenate([stack.slice_positions for stack in stacks]),
        )
        return Mapper(self.restorer, normal_bits, images, float(np.quantile(deviation, UNLIKELY)))

    def map_scans(
        self, mapper: Mapper, dataset_dir: str | Path, split: str, lesion_set: LesionSet | None
    ) -> Iterator[MappedScan]:
        """Maps the scans of a split one after another, with lesions of a set or as they are."""
        for stack in self._progress(scan_stacks(self.prior_run, dataset_dir, split), f"maps of {split}"):
            yield self._map_scan(mapper, stack, lesion_set)

    def _map_scan(self, mapper: Mapper, stack: ScanStack, lesion_set: LesionSet | None) -> MappedScan:
        record, images = stack.record, stack.images[:, 0].numpy()
        planted = Planted(images, np.zeros(images.shape, np.uint8))
        if lesion_set is not None:
            place = (stack.positions_mm, stack.spacing)
            planted = plant_lesions(images, stack.foreground, *place, lesion_set, record.scan_id, self.seed)  # type: ignore[arg-type]
        latents = encode(self.restorer, torch.from_numpy(planted.images)[:, None], stack.condition)
        generator = torch.Generator(self.prior_run.prior.alphabet.has_side.device)
        generator.manual_seed(zlib.crc32(f"{self.seed} {record.scan_id}".encode()))
        maps = mapper.maps(latents, stack.foreground, stack.slice_positions, stack.condition, generator)
        ids = (record.patient_id, record.session_id, record.scan_id)
        scan_maps = ScanMaps(*ids, stack.foreground, planted.labels, planted.lesions, maps)
        return MappedScan(stack, planted, scan_maps, float(latents.bits.sum() / planted.images.size))

    def _write_maps(self, scan: MappedScan) -> None:
        """Writes what a viewer lays over the scan: the prior's maps, and with lesions these and the scan with them."""
        volumes: dict[str, NDArray[Any]] = {
            method: scan.maps.maps[method] * scan.maps.foreground for method in PRIOR_METHODS
        }
        if scan.planted.lesions:
            volumes |= {"planted": scan.planted.images, "lesions": scan.planted.labels}
        record = scan.stack.record
        for name, slices in volumes.items():
            path = self.output_dir / "maps" / f"{record.scan_id}_{name}.nii.gz"
            write_map(path, slices, record, scan.stack.own_size, self.prior_run.spacing)

    def _write_tables(self, tables: dict[str, pd.DataFrame]) -> None:
        for name, table in tables.items():
            text = table.to_csv(index=False, float_format="%.9g", lineterminator="\n")
            write_whole(self.output_dir / f"{name}.csv", text)

    def _write_page(self, pictures: list[AnomalyPicture], table: pd.DataFrame, evaluation: Evaluation | None) -> Path:
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
        own, mapped = (read_splits(folder) for folder in (self.prior_run.dataset_dir, self.dataset_dir))
        if own.sha256 != mapped.sha256:
            return ["These scans are of another dataset than the prior's: another scanner looks abnormal as well."]
        if self.split != "test":
            return [f"The prior has seen patients of the {self.split} split: to it they look more normal than others."]
        return []

    @staticmethod
    def _progress(stacks: Iterator[ScanStack], what: str) -> Iterator[ScanStack]:
        yield from tqdm(stacks, desc=what, unit="scan", disable=not sys.stderr.isatty())


def check_anomaly(prior_run: PriorRun, dataset_dir: str, split: str, plant_lesions: bool) -> None:
    """Refuses colour images, a prior whose dataset was divided anew, and lesions where the methods are tuned.

    Raises:
        SystemExit: with one line, before anything is written.
    """
    check_split(prior_run.stage1, prior_run.dataset_dir)

    def check() -> None:
        if prior_run.in_channels != 1:
            channels = prior_run.in_channels
            raise InputError(f"anomaly maps are of grey images; those of {prior_run.run_dir} have {channels} channels.")
        known = read_splits(dataset_dir).splits
        if split not in known:
            raise InputError(f"--split {split!r}: expected one of {', '.join(known)}.")
        if plant_lesions and split == "val":
            raise InputError(
                "--split val: the methods are tuned on lesions in validation patients; evaluate with --split test."
            )

    or_exit(check)


def _positions_inside(foreground: NDArray[np.bool_], grid_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which positions of a latent's grid are foreground for the most part, [S, h, w]."""
    share = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(foreground)[:, None].float(), grid_size)
    return share[:, 0].numpy() > 0.5


def _scan_means(scans: list[MappedScan]) -> pd.DataFrame:
    """A row a scan: ids, slices, bits per pixel, and of each of the prior's maps mean and 99th percentile."""
    rows = []
    for scan in scans:
        maps = scan.maps
        row: dict[str, object] = {name: getattr(maps, name) for name in ("patient_id", "session_id", "scan_id")}
        row |= {"n_slices": len(maps.foreground), "bits_per_pixel": scan.bits_per_pixel}
        for method in PRIOR_METHODS:
            inside = maps.maps[method][maps.foreground]
            row |= {f"{method}_mean": float(inside.mean()), f"{method}_p99": float(np.quantile(inside, 0.99))}
        rows.append(row)
    return pd.DataFrame(rows)
