"""Takes scans through a model one after another: the job of ``bundles/reconstruct.json``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import torch
from tqdm import tqdm

from monai_vq.data.dicom import write_derived_series
from monai_vq.data.preparation import Preparation
from monai_vq.data.slicing import SlicingSettings
from monai_vq.engines.precision import AutocastInferer, check_device
from monai_vq.engines.reconstruct.checks import check_places, check_request
from monai_vq.engines.reconstruct.loading import LoadedScan, describe_failure, load_scan
from monai_vq.engines.reconstruct.model import TrainedModel
from monai_vq.engines.reconstruct.outcome import Outcome, scan_row
from monai_vq.errors import InputError
from monai_vq.reconstruct.cautions import batch_cautions, denoising_cautions, scan_cautions
from monai_vq.reconstruct.denoising import DenoisingScores
from monai_vq.reconstruct.dicom_inputs import compression_ratio
from monai_vq.reconstruct.input_scan import FoundScans, SkippedFile
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.noise import RICIAN, Noise, scan_generator
from monai_vq.reconstruct.page import write_page
from monai_vq.reconstruct.prepared import ALL, find_prepared, is_prepared
from monai_vq.reconstruct.reconstructor import ScanReconstructor
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.scan_files import ScanFiles
from monai_vq.reconstruct.tables import write_skipped
from monai_vq.reconstruct.training_scans import TrainingScans

logger = logging.getLogger(__name__)
SCANS, DICOM = "scans", "dicom"  # folders of what is written


class ReconstructionRun:
    """Takes scans through a model; one is in memory at a time.

    Args:
        model: of `read_model`.
        input_path: a NIfTI or Analyze file, a folder of these or of DICOM series, or a prepared dataset.
        output_dir: folder for ``scans/``, the tables and ``index.html``.
        dataset_dir: of the model: which scans it has seen, and, for older runs, how slices are prepared.
        slice_range: part of the head that is reconstructed, as fractions of its extent; None for the training's.
        split: of a prepared dataset: whose scans are reconstructed; ``all`` for every one.
        patient_regex: whose a file is; see `find_inputs`.
        assume_orientation: axes of Analyze files and of NIfTI files that have lost theirs, such as ``LAS``.
        noise: added to what the model is given, such as ``rician:0.05``; None for none.
        dicom_out: answers DICOM series as DICOM series, too.
        batch_size: slices at a time.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        device: of the network.
        seed: of the noise; that of a scan depends on it and the scan's name alone.
    """

    def __init__(
        self,
        model: TrainedModel,
        input_path: str | None,
        output_dir: str | Path,
        dataset_dir: str,
        slice_range: Sequence[float] | None = None,
        split: str = ALL,
        patient_regex: str | None = None,
        assume_orientation: str | None = None,
        noise: str | None = None,
        dicom_out: bool = False,
        batch_size: int = 16,
        precision: str = "fp32",
        device: torch.device | str = "cpu",
        seed: int = 0,
    ) -> None:
        self.model, self.output_dir, self.dataset_dir = model, Path(output_dir), dataset_dir
        self.input_path = None if input_path is None else Path(input_path)
        self.slice_range, self.split, self.dicom_out = slice_range, split, dicom_out
        self.patient_regex, self.assume_orientation = patient_regex, assume_orientation
        self.noise_text, self.batch_size, self.seed = noise, batch_size, seed
        self.precision, self.device = precision, device

    def check(self) -> None:
        """Refuses what can be refused before anything is written; lists the scans, and reads none.

        Raises:
            InputError: a setting is wrong, the model is none for this input, or there is nothing to reconstruct.
        """
        check_device(self.device, self.precision)
        if self.model.in_channels != 1:
            raise InputError(
                f"{self.model.run_dir} is a model of images with {self.model.in_channels} channels; volumes are grey."
            )
        check_request(self.found, self.source, self.slice_range, self.split, self.dicom_out)
        _ = self.noise, self.slicing

    def run(self) -> Path:
        """Writes the volumes, the latents, the tables and the page; returns the page's path.

        Raises:
            InputError: a setting is wrong, not one scan could be read, or a file cannot be written.
            FloatingPointError: the model's output is no number.
        """
        self.check()
        try:
            return self._run()
        except OSError as error:  # of what is read, each is told with its scan
            reason = error.strerror or type(error).__name__
            raise InputError(
                f"--output_dir {self.output_dir} cannot be written to ({reason}); the scans so far are in it, without "
                "tables. Make room, or choose another folder."
            ) from error

    def _run(self) -> Path:
        self.output_dir.mkdir(parents=True, exist_ok=True)
        skipped, outcome = list(self.found.skipped), Outcome(self._denoising())
        for scan in tqdm(self.found.scans, desc="scans", unit="scan", disable=not sys.stderr.isatty()):
            try:
                loaded = load_scan(scan, self.slicing, self.source)
            except (InputError, OSError, MemoryError) as error:
                skipped.append(describe_failure(scan, error))
                logger.warning(f"left out: {scan.place}: {skipped[-1].reason}")
            else:
                self._reconstruct(loaded, outcome)
        write_skipped(self.output_dir / "skipped.csv", skipped)
        if not outcome.rows:
            raise InputError(
                f"none of {len(skipped)} file(s) or series could be reconstructed; first: {skipped[0].reason}; "
                f"{skipped[0].remedy}. All are in {self.output_dir / 'skipped.csv'}."
            )
        return self._write_page(outcome, skipped)

    @cached_property
    def source(self) -> Path:
        """The input."""
        return check_places(self.input_path, self.output_dir)

    @cached_property
    def found(self) -> FoundScans:
        """The scans of the input."""
        if is_prepared(self.source):
            return find_prepared(self.source, self.split)
        return find_inputs(self.source, patient_regex=self.patient_regex, assume_axes=self.assume_orientation)

    @cached_property
    def noise(self) -> Noise | None:
        """What is added to the model's input."""
        return None if self.noise_text is None else Noise.parse(self.noise_text)

    @cached_property
    def slicing(self) -> SlicingSettings | None:
        """How volumes are cut; None for a prepared dataset."""
        preparation = self.preparation
        if preparation is None or is_prepared(self.source):
            return None
        return preparation.with_range(self.slice_range)

    @cached_property
    def preparation(self) -> Preparation | None:
        """How the model's slices were prepared; only for a prepared dataset it need not be known."""
        try:
            return self.model.preparation(self.dataset_dir)
        except InputError:
            if is_prepared(self.source):
                return None
            raise

    @cached_property
    def training(self) -> TrainingScans:
        """The scans that the model has seen."""
        return TrainingScans.of_dataset(self.dataset_dir, self.model.split_sha256)

    @cached_property
    def reconstructor(self) -> ScanReconstructor:
        """The model, with all that brings slices to it."""
        model, inferer = self.model, AutocastInferer(self.precision)
        return ScanReconstructor(
            model.network, self.slicing, model.image_size, model.spacing, inferer, self.batch_size, self.device
        )

    def _reconstruct(self, loaded: LoadedScan, outcome: Outcome) -> None:
        """Takes a scan through the model, writes its files and keeps its scores."""
        scan, add_noise = loaded.scan, None
        if self.noise is not None:
            add_noise = partial(self.noise.add, generator=scan_generator(scan.scan_id, self.seed))
        split = self.training.split_of(loaded.sha256, scan.patient_id)
        done = self.reconstructor.reconstruct_slices(
            loaded.cut, loaded.placement, loaded.original, add_noise, outcome.watch(loaded, split)
        )
        files = ScanFiles(self.output_dir / SCANS, scan.scan_id)
        files.write(done, loaded.header, self.model.network, self.model.checkpoint_sha256)
        dicom = self._write_dicom(loaded, done) if self.dicom_out and scan.kind == "DICOM" else ""
        own = None if self.noise is not None else self.model.own_scores
        cautions = scan_cautions(done, split, self.preparation, None if own is None else own[1])
        outcome.add(loaded, done, split, scan_row(loaded, done, split, files, dicom, cautions))
        if not sys.stderr.isatty():  # a bar would fill a log with rubbish
            print(f"{scan.scan_id}: {len(done.scores)} slices, SSIM {done.scores['ssim'].mean():.4f}", flush=True)

    def _denoising(self) -> DenoisingScores | None:
        if self.noise is None:
            return None
        return DenoisingScores(rician_sigma=self.noise.sigma if self.noise.kind == RICIAN else 0.0)

    def _write_dicom(self, loaded: LoadedScan, done: ReconstructedScan) -> str:
        """Answers a DICOM series with one of the same grid; returns the folder's name."""
        folder = self.output_dir / DICOM / loaded.scan.scan_id
        description = f"Reconstruction by monai_vq, checkpoint {self.model.checkpoint_sha256[:12]}"
        files = loaded.scan.files
        ratio = compression_ratio(files, done)
        write_derived_series(files, done.recon, folder, description, compression_ratio=ratio, seed=self.seed)
        return f"{DICOM}/{folder.name}"

    def _write_page(self, outcome: Outcome, skipped: Sequence[SkippedFile]) -> Path:
        content, own = outcome.write(self.output_dir), self.model.own_scores
        cautions = batch_cautions(content.patients, self.training, outcome.unknown_patients, str(self.noise or ""))
        page = replace(
            content,
            skipped=skipped,
            cautions=[*cautions, *denoising_cautions(content.denoising)],
            own_scores=None if own is None else own[0],
            settings=self._settings(),
            title=f"Scans reconstructed by {self.model.run_dir.name}",
        )
        path = write_page(self.output_dir / "index.html", page)
        print(f"{len(outcome.rows)} scan(s), {len(skipped)} left out; report: {path}", flush=True)
        return path

    @property
    def _input_name(self) -> str:
        """What the page calls the input: a folder of DICOM files may have a person's name."""
        return "DICOM" if any(scan.kind == "DICOM" for scan in self.found.scans) else self.source.name

    def _settings(self) -> dict[str, object]:
        slicing = self.slicing or "as the dataset was prepared"
        return {
            "model": self.model.run_dir.name,
            "checkpoint": f"sha256 {self.model.checkpoint_sha256}",
            "input": self._input_name,
            "image size": self.model.image_size,
            "pixel size of the model": self.model.spacing or "each scan's own",
            "slices": slicing if isinstance(slicing, str) else str(vars(slicing)),
            "noise": f"{self.noise}, seed {self.seed}" if self.noise else "none",
            "precision": self.precision,
        }
