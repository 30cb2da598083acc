"""Scan after scan, here or in other processes; a broken one is listed and the next is taken."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from data_prep.rejections import Rejection
from data_prep.scan_files import PreparedScan, cut_scan, load_prepared, save_scan
from data_prep.sources.scan import Scan
from data_prep.workers import map_in_order
from monai_vq.data.slicing import SlicingSettings
from monai_vq.errors import InputError

__all__ = ["Outcome", "prepare_scans"]


@dataclass
class Outcome:
    """What became of the scans.

    Attributes:
        prepared: scans whose files are on disk, in the order given.
        rejections: scans that cannot be used.
        seconds: spent on all of them.
    """

    prepared: list[PreparedScan] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def n_new(self) -> int:
        """How many of `prepared` this run wrote."""
        return sum(scan.is_new for scan in self.prepared)


def prepare_scans(
    scans: Sequence[Scan],
    slicing: SlicingSettings,
    output_dir: Path,
    *,
    strict: bool,
    progress: bool,
    workers: int = 1,
    scheduler: str | None = None,
) -> Outcome:
    """Prepares each scan, or takes it over from an earlier run; the result does not depend on who does it.

    Args:
        scans: what to prepare.
        slicing: what to cut.
        output_dir: the prepared dataset.
        strict: stop at the first scan that cannot be used.
        progress: show a bar with volumes a second and the number of rejected ones.
        workers: processes; 1 is this one.
        scheduler: address of a running dask scheduler, in place of processes.

    Raises:
        InputError: a volume does not fit into memory, or `strict` and a volume cannot be used.
        OSError: the output cannot be written.
    """
    outcome = Outcome()
    owners: dict[str, str] = {}  # content hash: the first source that has it
    begin = time.perf_counter()
    with (
        closing(
            map_in_order(partial(_prepare_scan, slicing=slicing, output_dir=output_dir), scans, workers, scheduler)
        ) as results,
        tqdm(total=len(scans), desc="volumes", unit="volume", disable=not progress) as bar,
    ):
        for result in _refuse_copies(results, owners):
            bar.update()
            if isinstance(result, PreparedScan):
                outcome.prepared.append(result)
                continue
            if strict:
                raise InputError(str(result))
            outcome.rejections.append(result)
            bar.set_postfix(rejected=len(outcome.rejections))
    outcome.seconds = time.perf_counter() - begin
    return outcome


def _prepare_scan(scan: Scan, *, slicing: SlicingSettings, output_dir: Path) -> PreparedScan | Rejection:
    """One scan, in whichever process; errors of reading are the scan's fault, errors of writing are not."""
    earlier = load_prepared(scan, output_dir)
    if earlier:
        return earlier
    try:
        cut = cut_scan(scan, slicing)
    except FileNotFoundError as error:  # it was there when the source was listed: another machine, or a lost mount
        raise ChildProcessError(
            f"{scan.source} is not to be found where it is to be read; let every worker see the same files under the "
            "same names, and give the same command again"
        ) from error
    except MemoryError as error:  # a fault of the machine: another run would list other volumes
        raise InputError(_describe_shortage(scan, error)) from error
    except Exception as error:  # whatever a damaged file provokes is listed
        return Rejection.from_error(scan.source, error)
    return save_scan(cut, output_dir)


def _describe_shortage(scan: Scan, error: MemoryError) -> str:
    megabytes = sum(path.stat().st_size for path in scan.files) / 1e6
    cause = f": {error}" if str(error) else ""
    return (
        f"{scan.source} ({megabytes:.1f} MB on disk) does not fit into the memory of this machine{cause}; "
        "prepare on a machine with more memory, with fewer --workers, or take the scan out of the source"
    )


def _refuse_copies(
    results: Iterator[PreparedScan | Rejection], owners: dict[str, str]
) -> Iterator[PreparedScan | Rejection]:
    """Turns a scan with the content of an earlier one into a rejection; its files are pruned before the manifest."""
    for result in results:
        if isinstance(result, PreparedScan) and (twins := _find_twins(result, owners)):
            reason = f"the same voxels as {twins[0]}"
            yield Rejection(result.record.source, reason, "remove one of the two from the source")
        else:
            yield result


def _find_twins(scan: PreparedScan, owners: dict[str, str]) -> list[str]:
    source = scan.record.source
    owned = [owners.setdefault(content, source) for content in scan.contents]
    return [owner for owner in owned if owner != source]
