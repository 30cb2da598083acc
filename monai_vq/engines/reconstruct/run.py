"""Takes scans through a model one after another: the job of ``bundles/reconstruct.json``."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tqdm import tqdm

from monai_vq.engines.precision import AutocastInferer
from monai_vq.engines.reconstruct.earlier import source_sha256
from monai_vq.engines.reconstruct.loading import LoadedScan, describe_failure, load_scan
from monai_vq.engines.reconstruct.outcome import Outcome
from monai_vq.engines.reconstruct.request import OTHER, ReconstructionRequest
from monai_vq.engines.reconstruct.scan_job import SCANS, ScanJob, new_scores
from monai_vq.errors import InputError
from monai_vq.lock import locked
from monai_vq.reconstruct.cautions import batch_cautions, denoising_cautions
from monai_vq.reconstruct.finished_scan import FinishedScan, write_finished
from monai_vq.reconstruct.input_scan import InputScan, SkippedFile
from monai_vq.reconstruct.page import write_page
from monai_vq.reconstruct.reconstructor import ScanReconstructor
from monai_vq.reconstruct.scan_files import ScanFiles
from monai_vq.reconstruct.tables import write_skipped

__all__ = ["ReconstructionRun"]

logger = logging.getLogger(__name__)


class ReconstructionRun(ReconstructionRequest):
    """Takes scans through a model; one is in memory at a time.

    A scan's record is the last file that is written of it, and tables and page are made of the records. So a run that
    was killed loses the scan that it was at, and its tables, which it writes at its end; the same command with
    ``resume`` goes on behind the scans that are done, and writes what a run in one go would have written. It refuses
    settings by which another result would come out. A scan whose bytes are others than they were is done again, as is
    one whose files are gone; scans that are not in the input any more keep their files, and leave the tables. One
    process at a time writes to a folder: a second one is refused.
    """

    def run(self) -> Path:
        """Writes the volumes, the latents, the tables and the page; returns the page's path.

        Raises:
            InputError: a setting is wrong, another run writes to the folder, not one scan could be read, or a file
                cannot be written.
            FloatingPointError: the model's output is no number.
        """
        self.check()
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            with locked(self.output_dir, OTHER):
                return self._run()
        except OSError as error:  # of what is read, each is told with its scan
            reason = error.strerror or type(error).__name__
            raise InputError(
                f"--output_dir {self.output_dir} cannot be written to ({reason}); the scans so far are in it, without "
                "tables. Make room and go on with --resume true, or choose another folder."
            ) from error

    def _run(self) -> Path:
        skipped, outcome = list(self.found.skipped), Outcome(new_scores(self.noise))
        for scan in tqdm(self.found.scans, desc="scans", unit="scan", disable=not sys.stderr.isatty()):
            finished = self._take_over(scan) or self._reconstruct(scan, skipped)
            if finished is not None:
                outcome.add(finished)
        self._tell_left()
        write_skipped(self.output_dir / "skipped.csv", skipped)
        if not outcome.rows:
            raise InputError(
                f"none of {len(skipped)} file(s) or series could be reconstructed; first: {skipped[0].reason}; "
                f"{skipped[0].remedy}. All are in {self.output_dir / 'skipped.csv'}."
            )
        return self._write_page(outcome, skipped)

    @cached_property
    def job(self) -> ScanJob:
        """What is done with each scan."""
        model, inferer = self.model, AutocastInferer(self.precision)
        reconstructor = ScanReconstructor(
            model.network, self.slicing, model.image_size, self.spacing, inferer, self.batch_size, self.device
        )
        return ScanJob(
            model=model,
            reconstructor=reconstructor,
            training=self.training,
            preparation=self.preparation,
            output_dir=self.output_dir,
            settings=self.settings,
            noise=self.noise,
            seed=self.seed,
            dicom_out=self.dicom_out,
        )

    def _take_over(self, scan: InputScan) -> FinishedScan | None:
        """A scan that the earlier run has finished, as this run names it and whose it is; None if it is to be done."""
        if not self.resume:
            return None
        found = self.earlier.take(scan.scan_id, source_sha256(scan, self.source))
        if found is None or self.training.split_of(found.row["sha256"], scan.patient_id) != found.row["split"]:
            return None
        _say(f"{scan.scan_id}: done before")
        row = dict(found.row) | {name: getattr(scan, name) for name in ("patient_id", "session_id", "place")}
        taken = replace(found, row=row, known=scan.known)
        if (taken.row, taken.known) != (found.row, found.known):
            write_finished(ScanFiles(self.output_dir / SCANS, scan.scan_id).record, taken)
        return taken

    def _reconstruct(self, scan: InputScan, skipped: list[SkippedFile]) -> FinishedScan | None:
        """Reads a scan and takes it through the model; None, and a line in `skipped`, where that cannot be done."""
        sha256 = source_sha256(scan, self.source)  # before it is read: what changes meanwhile is done again
        try:
            loaded = load_scan(scan, self.slicing, self.source, self.output_dir)
        except (InputError, OSError, MemoryError) as error:
            skipped.append(_leave_out(scan, error))
            return None
        try:
            finished = self._run_job(loaded, sha256)
        except (InputError, MemoryError) as error:  # as of a series that DICOM cannot answer
            skipped.append(_leave_out(scan, error))
            return None
        _say(f"{scan.scan_id}: {len(finished.scores)} slices, SSIM {finished.scores['ssim'].mean():.4f}")
        return finished

    def _run_job(self, loaded: LoadedScan, sha256: str) -> FinishedScan:
        try:
            return self.job.run(loaded, sha256)
        except FloatingPointError as error:
            raise FloatingPointError(f"{loaded.scan.scan_id}: {error}") from error
        except OSError as error:
            if error.errno == errno.ENOMEM:  # of a file that is mapped; otherwise the folder cannot be written to
                raise MemoryError from error
            raise

    def _tell_left(self) -> None:
        """Says which scans of the earlier run the input does not have any more."""
        left = self.earlier.scan_ids - {scan.scan_id for scan in self.found.scans} if self.resume else frozenset()
        if left:
            logger.warning(
                f"{len(left)} scan(s) of the earlier run are not in the input any more, first {min(left)}: their files "
                f"stay in {self.output_dir / SCANS}, the tables leave them out."
            )

    def _write_page(self, outcome: Outcome, skipped: Sequence[SkippedFile]) -> Path:
        content, own = outcome.write(self.output_dir), self.model.own_scores
        cautions = batch_cautions(content.patients, self.training, outcome.unknown_patients, str(self.noise or ""))
        page = replace(
            content,
            skipped=skipped,
            cautions=[*cautions, *denoising_cautions(content.denoising)],
            own_scores=None if own is None else own[0],
            settings={"model": self.model.run_dir.name, "input": self.input_name, **self.settings},
            title=f"Scans reconstructed by {self.model.run_dir.name}",
        )
        path = write_page(self.output_dir / "index.html", page)
        if outcome.unknown_patients:
            logger.warning(
                f"of {outcome.unknown_patients} scan(s) nothing says whose they are, and each counts as a patient of "
                "its own; --patient_regex can say it."
            )
        print(f"{len(outcome.rows)} scan(s), {len(skipped)} left out; report: {path}", flush=True)
        return path


def _leave_out(scan: InputScan, error: InputError | OSError | MemoryError) -> SkippedFile:
    told = describe_failure(scan, error)
    logger.warning(f"left out: {scan.place}: {told.reason}")
    return told


def _say(line: str) -> None:
    if not sys.stderr.isatty():  # a bar would fill a log with rubbish
        print(line, flush=True)
