"""Scan after scan, one volume in memory at a time; a broken one is listed and the next is taken."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from data_prep.bids import Scan
from data_prep.rejections import Rejection
from data_prep.scan_files import CutScan, PreparedScan, cut_scan, load_prepared, save_scan
from data_prep.slicing import SlicingSettings
from monai_vq.data import VolumeError
from monai_vq.errors import InputError

__all__ = ["Outcome", "prepare_scans"]


@dataclass
class Outcome:
    """What became of the scans.

    Attributes:
        prepared: scans whose files are on disk, in the order given.
        rejections: scans that cannot be used.
        n_new: how many of `prepared` this run wrote.
        seconds: spent on them.
    """

    prepared: list[PreparedScan] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    n_new: int = 0
    seconds: float = 0.0


def prepare_scans(
    scans: Sequence[Scan], slicing: SlicingSettings, output_dir: Path, *, strict: bool, progress: bool
) -> Outcome:
    """Prepares each scan, or takes it over from an earlier run.

    Raises:
        InputError: a volume does not fit into memory, or `strict` and a volume cannot be used.
        OSError: the output cannot be written.
    """
    outcome = Outcome()
    owners: dict[str, str] = {}  # content hash: the first source that has it
    for scan in tqdm(scans, desc="volumes", unit="volume", disable=not progress):
        begin = time.perf_counter()
        earlier = load_prepared(scan, output_dir)
        try:
            result = earlier or cut_scan(scan, slicing)
            _refuse_copy(scan.source, result.contents, owners)
        except MemoryError as error:  # a fault of the machine: another run would list other volumes
            raise InputError(_describe_shortage(scan, error)) from error
        except Exception as error:  # whatever a damaged file provokes is listed; errors of writing are not its fault
            rejection = Rejection.from_error(scan.source, error)
            if strict:
                raise InputError(str(rejection)) from error
            outcome.rejections.append(rejection)
            continue
        if isinstance(result, CutScan):
            result = save_scan(result, output_dir)
            outcome.n_new += 1
            outcome.seconds += time.perf_counter() - begin
        outcome.prepared.append(result)
    return outcome


def _describe_shortage(scan: Scan, error: MemoryError) -> str:
    megabytes = scan.path.stat().st_size / 1e6
    cause = f": {error}" if str(error) else ""
    return (
        f"{scan.source} ({megabytes:.1f} MB on disk) does not fit into the memory of this machine{cause}; "
        "prepare on a machine with more memory, end other programs, or take the scan out of the source"
    )


def _refuse_copy(source: str, contents: tuple[str, ...], owners: dict[str, str]) -> None:
    for content in contents:
        twin = owners.setdefault(content, source)
        if twin != source:
            raise VolumeError(f"the same voxels as {twin}", "remove one of the two from the source")
