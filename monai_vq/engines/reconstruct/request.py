"""What a reconstruction is asked for, and what that means for its input and its model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import torch

from monai_vq.data.preparation import Preparation
from monai_vq.data.slicing import SlicingSettings
from monai_vq.engines.precision import check_device
from monai_vq.engines.reconstruct.checks import check_places, check_request, check_spacing
from monai_vq.engines.reconstruct.earlier import EarlierScans
from monai_vq.engines.reconstruct.model import ReconstructionModel
from monai_vq.engines.reconstruct.scan_job import SCANS, lowest_ssim
from monai_vq.errors import InputError
from monai_vq.lock import check_unlocked
from monai_vq.reconstruct.input_scan import FoundScans
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.noise import Noise
from monai_vq.reconstruct.prepared import ALL, find_prepared, is_prepared
from monai_vq.reconstruct.training_scans import TrainingScans

__all__ = ["OTHER", "ReconstructionRequest"]

OTHER = "another reconstruction"  # that holds the lock of the output's folder


class ReconstructionRequest:
    """The settings of ``bundles/reconstruct.json`` and what follows from them; nothing is written.

    Args:
        model: a finished run.
        input_path: a NIfTI or Analyze file, a folder of these or of DICOM series, or a prepared dataset.
        output_dir: folder for ``scans/``, the tables and ``index.html``.
        dataset_dir: of the model: which scans it has seen, and, for older runs, how slices are prepared.
        slice_range: part of the head that is reconstructed, as fractions of its extent; None for the training's.
        spacing: (row, column) of the pixels in mm that slices are brought to, for a model that was trained on each
            scan's own; None for as it was trained.
        split: of a prepared dataset: whose scans are reconstructed; ``all`` for every one.
        patient_regex: whose a file is; see `find_inputs`.
        assume_orientation: axes of Analyze files and of NIfTI files that have lost theirs, such as ``LAS``.
        noise: added to what the model is given, such as ``rician:0.05``; None for none.
        dicom_out: answers DICOM series as DICOM series, too.
        batch_size: slices at a time.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        device: of the network.
        seed: of the noise; that of a scan depends on it and the scan's name alone.
        resume: goes on with the run in ``output_dir``.
    """

    def __init__(
        self,
        model: ReconstructionModel,
        input_path: str | None,
        output_dir: str | Path,
        dataset_dir: str,
        slice_range: Sequence[float] | None = None,
        spacing: Sequence[float] | None = None,
        split: str = ALL,
        patient_regex: str | None = None,
        assume_orientation: str | None = None,
        noise: str | None = None,
        dicom_out: bool = False,
        batch_size: int = 16,
        precision: str = "fp32",
        device: torch.device | str = "cpu",
        seed: int = 0,
        resume: bool = False,
    ) -> None:
        self.model, self.output_dir, self.dataset_dir = model, Path(output_dir), dataset_dir
        self.input_path = None if input_path is None else Path(input_path)
        self.slice_range, self.split, self.dicom_out = slice_range, split, dicom_out
        self.spacing = model.spacing if spacing is None else list(spacing)
        self.patient_regex, self.assume_orientation = patient_regex, assume_orientation
        self.noise_text, self.batch_size, self.seed = noise, batch_size, seed
        self.precision, self.device, self.resume = precision, device, resume

    def check(self) -> None:
        """Refuses what can be refused before anything is written; lists the scans, and reads none.

        Raises:
            InputError: a setting is wrong, the model is none for this input, there is nothing to reconstruct, or
                another run writes to the folder.
        """
        check_device(self.device, self.precision)
        if self.model.in_channels != 1:
            raise InputError(
                f"{self.model.run_dir} is a model of images with {self.model.in_channels} channels; volumes are grey."
            )
        check_spacing(self.spacing, self.model.spacing)
        check_request(self.found, self.source, self.slice_range, self.split, self.dicom_out)
        _ = self.noise, self.slicing
        check_unlocked(self.output_dir, OTHER)  # before that run's folder is renamed
        if self.resume:
            self.earlier.check()

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

    @property
    def input_name(self) -> str:
        """What the page calls the input: a folder of DICOM files may have a person's name."""
        return "DICOM" if any(scan.kind == "DICOM" for scan in self.found.scans) else self.source.name

    @cached_property
    def settings(self) -> dict[str, object]:
        """All that a scan's result depends on but the scan itself."""
        slicing, model = self.slicing, self.model
        cannot = "" if model.precision_on(self.device) == model.precision else ", which this device cannot do"
        return {
            "checkpoint": model.checkpoint_sha256,
            "image_size": model.image_size,
            "spacing": self.spacing or "each scan's own",
            **({"slices": "as the dataset was prepared"} if slicing is None else vars(slicing)),
            "assume_orientation": self.assume_orientation or "as the files say",
            "noise": str(self.noise or "none"),
            "seed": self.seed,
            "dicom_out": self.dicom_out,
            "batch_size": self.batch_size,
            "precision": self.precision,
            "precision of the model's training and report": model.precision + cannot,
            "device": torch.device(self.device).type,
            "lowest foreground SSIM of the model's own report": lowest_ssim(model, self.noise) or "not known",
            "monai_vq": version("monai_vq"),
            "torch": torch.__version__,
            "slices of training": "not known" if self.preparation is None else self.preparation.to_record(),
        }

    @cached_property
    def earlier(self) -> EarlierScans:
        """What the run in the same folder has finished."""
        return EarlierScans(self.output_dir, self.output_dir / SCANS, self.settings)
