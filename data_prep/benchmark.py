"""`python -m data_prep.benchmark SOURCE --source DIR`: preparing a download against only reading it with nibabel.

Both in one run, one after the other, with the same number of processes; the machine may be shared, the ratio less so.
"""

import argparse
import resource
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from data_prep.prepare import find_source, prepare_source
from data_prep.sources import SOURCES, Scan
from data_prep.workers import map_in_order

__all__ = ["PrepareSpeed", "main", "time_preparation"]


@dataclass(frozen=True)
class PrepareSpeed:
    """What was measured.

    Attributes:
        n_scans: how many were prepared.
        prepare_seconds: of `prepare_source`: slices, masks, tables, split and QC page.
        read_seconds: of decoding every voxel of the same files with nibabel.
        peak_megabytes: largest memory of this process or one of its workers, so far.
    """

    n_scans: int
    prepare_seconds: float
    read_seconds: float
    peak_megabytes: float

    @property
    def ratio(self) -> float:
        """Preparing over reading."""
        return self.prepare_seconds / self.read_seconds


def time_preparation(name: str, source: Path, *, workers: int = 1) -> PrepareSpeed:
    """Reads a download of NIfTI or Analyze volumes, then prepares it into a temporary folder.

    The files are read once before, so that both find them in the system's cache.

    Raises:
        InputError: the source is bad.
    """
    scans = find_source(name, source).scans
    for scan in scans:
        for path in scan.files:
            path.read_bytes()
    read_seconds = _time(lambda: deque(map_in_order(_read_with_nibabel, scans, workers), maxlen=0))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "prepared"
        prepare_seconds = _time(lambda: prepare_source(name, source, out, workers=workers, progress=False))
    usage = (resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return PrepareSpeed(len(scans), prepare_seconds, read_seconds, max(usage) / 1024)


def _read_with_nibabel(scan: Scan) -> float:
    return float(nib.load(scan.files[-1]).get_fdata(dtype=np.float32).flat[0])  # a map of the file would read nothing


def _time(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints times, ratio and peak memory."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.benchmark", description=__doc__)
    parser.add_argument("name", choices=SOURCES)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    speed = time_preparation(options.name, options.source, workers=options.workers)
    print(
        f"{speed.n_scans} scans, {options.workers} process(es): read {speed.read_seconds:.2f} s, "
        f"prepare {speed.prepare_seconds:.2f} s, ratio {speed.ratio:.2f}, peak memory {speed.peak_megabytes:.0f} MB"
    )


if __name__ == "__main__":
    main()
