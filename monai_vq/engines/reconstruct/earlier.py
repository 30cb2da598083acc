"""What an earlier run into the same folder has finished, and what of it can be taken over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from monai_vq.data import files_sha256
from monai_vq.errors import InputError
from monai_vq.reconstruct.finished_scan import FinishedScan, read_finished, read_settings
from monai_vq.reconstruct.input_scan import InputScan
from monai_vq.reconstruct.scan_files import RECORD_ENDING, ScanFiles

__all__ = ["EarlierScans", "source_sha256"]

_NEW_FOLDER = "or another --output_dir without --resume"


class EarlierScans:
    """The finished scans of an earlier run.

    Args:
        output_dir: of that run, and of this.
        scans_dir: the folder in it that has the files of the scans.
        settings: of this run, as far as results depend on them; plain values by name.
    """

    def __init__(self, output_dir: Path, scans_dir: Path, settings: Mapping[str, Any]) -> None:
        self.output_dir, self.scans_dir, self.settings = output_dir, scans_dir, settings

    @cached_property
    def scan_ids(self) -> frozenset[str]:
        """Of the scans that have a record."""
        paths = self.scans_dir.glob(f"[!.]*{RECORD_ENDING}")  # a dot: being written when the run was killed
        return frozenset(path.name.removesuffix(RECORD_ENDING) for path in paths)

    def check(self) -> None:
        """Refuses a folder that holds no reconstruction, and scans that were reconstructed otherwise.

        Raises:
            InputError: naming the setting that differs.
        """
        if not _is_reconstruction(self.output_dir):
            raise InputError(
                f"--resume true: {self.output_dir} holds no reconstruction; give the --output_dir of one, or start "
                "without --resume."
            )
        for scan_id in sorted(self.scan_ids):
            theirs = read_settings(ScanFiles(self.scans_dir, scan_id).record)
            if theirs is not None:
                self._compare(theirs)

    def take(self, scan_id: str, sha256: str) -> FinishedScan | None:
        """Returns what is known of a scan; None if it is to be done again.

        It is done again where its bytes are others than they were, a file that was written of it is missing or of
        another size, or its record is damaged.

        Args:
            scan_id: of a scan of this run's input.
            sha256: of `source_sha256`; empty where its files cannot be opened.
        """
        if not sha256 or scan_id not in self.scan_ids:
            return None
        found = read_finished(ScanFiles(self.scans_dir, scan_id).record)
        is_same = found is not None and found.source_sha256 == sha256 and found.is_whole(self.output_dir)
        return found if is_same else None

    def _compare(self, theirs: Mapping[str, Any]) -> None:
        for name in [*self.settings, *(name for name in theirs if name not in self.settings)]:
            here, there = self.settings.get(name), theirs.get(name)
            if json.dumps(here) != json.dumps(there):  # as text: there are no tuples in JSON, and NaN is not NaN
                raise InputError(
                    f"--resume true: the scans in {self.output_dir} were reconstructed with another {name} "
                    f"({_short(there)}) than is given here ({_short(here)}); give that, {_NEW_FOLDER}."
                )


def source_sha256(scan: InputScan, input_path: Path) -> str:
    """SHA-256 of all that a scan is read from; empty where that cannot be opened, which reading it will explain.

    Args:
        scan: of whatever format.
        input_path: the prepared dataset, of a scan in one: there its row of the manifest counts as well.
    """
    try:
        if scan.record is None:
            return files_sha256(scan.files)
        slices = files_sha256([scan.record.slices_path(input_path), scan.record.mask_path(input_path)])
    except OSError:
        return ""
    return hashlib.sha256(f"{slices} {scan.record!r}".encode()).hexdigest()


def _is_reconstruction(folder: Path) -> bool:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "reconstruction" in config


def _short(value: Any) -> str:
    """A value as a message has it: of a hash its first digits, of a tuple the list that it is in a record."""
    text = "none" if value is None else str(list(value) if isinstance(value, tuple) else value)
    return f"{text[:12]}…" if len(text) == 64 else text
