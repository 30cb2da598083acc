"""Scans to a prepared dataset on disk: the walk from a source's volumes to manifest, slices, split and QC page."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_prep.bids import find_scans
from data_prep.output import PROVENANCE_NAME, open_output, write_json
from data_prep.provenance import describe_run, describe_settings
from data_prep.qc import write_qc
from data_prep.rejections import REJECTED_NAME, Rejection, describe_rejections, write_rejections
from data_prep.rerun import prune_slices, refuse_changed_source, refuse_changed_split
from data_prep.scan_files import file_sha256
from data_prep.scan_loop import prepare_scans
from data_prep.slicing import DEFAULT_SLICE_RANGE, DEFAULT_WINDOW, SlicingSettings
from monai_vq.atomic import atomic_path
from monai_vq.data import ScanRecord, Splits, make_splits, write_manifest, write_splits
from monai_vq.data.assignment import check_fractions, check_patient_count, choose_columns
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.errors import InputError

__all__ = ["DEFAULT_FRACTIONS", "PrepareSummary", "prepare_bids"]

DEFAULT_FRACTIONS = (0.7, 0.15, 0.15)


@dataclass(frozen=True)
class PrepareSummary:
    """What a run did.

    Attributes:
        output_dir: the prepared dataset.
        splits: the split, with its table of counts.
        n_rejected: rows of `rejected.csv`.
        n_reused: scans that an earlier run had prepared.
        n_empty_slices: slices left out for having no foreground.
        volumes_per_second: newly prepared scans over the time their preparation took; 0 where none was.
        qc_page: page to look at before training.
        notes: what the user should know of the source.
    """

    output_dir: Path
    splits: Splits
    n_rejected: int
    n_reused: int
    n_empty_slices: int
    volumes_per_second: float
    qc_page: Path
    notes: tuple[str, ...]


def prepare_bids(
    source: Path | str,
    output_dir: Path | str,
    *,
    plane: str = "axial",
    slice_range: tuple[float, float] | None = None,
    num_slices: int | None = None,
    window: tuple[float, float] = DEFAULT_WINDOW,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    stratify: Sequence[str] | None = None,
    seed: int = 0,
    strict: bool = False,
    force: bool = False,
    progress: bool = True,
    command: str = "",
) -> PrepareSummary:
    """Prepares the T1-weighted scans of a BIDS tree for training.

    A run that was killed is continued by the same call. An equal second run changes nothing but `provenance.json`.

    Args:
        source: root of the BIDS tree.
        output_dir: folder of the prepared dataset; new, or of an equal earlier run.
        plane: `axial`, `coronal` or `sagittal`.
        slice_range: see `SlicingSettings`; by default that of `DEFAULT_SLICE_RANGE` for the plane.
        num_slices: see `SlicingSettings`.
        window: see `SlicingSettings`.
        fractions: of the patients for (train, val, test).
        stratify: see `make_splits`.
        seed: of the split.
        strict: stop at the first volume that cannot be used instead of listing it in `rejected.csv`.
        force: replace what an earlier run with other settings wrote.
        progress: show a progress bar.
        command: the command line, recorded in `provenance.json`; give no private paths.

    Raises:
        InputError: a setting, the source or, if `strict`, a volume is bad; nothing half-written is left.
        OSError: the dataset cannot be written.
    """
    slicing = SlicingSettings(plane, slice_range or DEFAULT_SLICE_RANGE.get(plane, (0.0, 1.0)), num_slices, window)
    check_fractions(fractions)
    source, output_dir = Path(source), Path(output_dir)
    found = find_scans(source)
    if strict and found.rejections:
        raise InputError(str(found.rejections[0]))
    choose_columns([vars(scan.person) for scan in found.scans], stratify)
    with _rejections_explained(found.rejections):
        check_patient_count(len({scan.patient_id for scan in found.scans}), fractions)
    settings = describe_settings(slicing, fractions, stratify, seed)
    with open_output(output_dir, settings, force):
        refuse_changed_source(output_dir, found.scans)
        write_json(output_dir / PROVENANCE_NAME, describe_run(command, settings))
        outcome = prepare_scans(found.scans, slicing, output_dir, strict=strict, progress=progress)
        rejections = found.rejections + outcome.rejections
        records = [prepared.record for prepared in outcome.prepared]
        with _rejections_explained(rejections):
            splits = make_splits(records, fractions=fractions, stratify=stratify, seed=seed, exclusions=len(rejections))
        refuse_changed_split(output_dir, splits)
        _write_tables(output_dir, records, rejections, splits)
        qc_page = write_qc(output_dir)
        hashes = {name: file_sha256(output_dir / name) for name in (MANIFEST_NAME, SPLITS_NAME)}
        write_json(output_dir / PROVENANCE_NAME, describe_run(command, settings) | {"sha256": hashes})
    return PrepareSummary(
        output_dir=output_dir,
        splits=splits,
        n_rejected=len(rejections),
        n_reused=len(records) - outcome.n_new,
        n_empty_slices=sum(prepared.n_empty for prepared in outcome.prepared),
        volumes_per_second=outcome.n_new / outcome.seconds if outcome.n_new else 0.0,
        qc_page=qc_page,
        notes=tuple(found.notes),
    )


@contextmanager
def _rejections_explained(rejections: Sequence[Rejection]) -> Iterator[None]:
    """Adds to an error of the split why volumes are missing, as no `rejected.csv` is left to look it up."""
    try:
        yield
    except InputError as error:
        if not rejections:
            raise
        raise InputError(f"{error}. {describe_rejections(rejections)}") from error


def _write_tables(
    output_dir: Path, records: Sequence[ScanRecord], rejections: Sequence[Rejection], splits: Splits
) -> None:
    """Writes the tables, the manifest last: its presence says that the dataset is complete."""
    prune_slices(output_dir, (record.scan_id for record in records))
    with atomic_path(output_dir / REJECTED_NAME) as part:
        write_rejections(part, rejections)
    with atomic_path(output_dir / SPLITS_NAME) as part:
        write_splits(part, splits)
    with atomic_path(output_dir / MANIFEST_NAME) as part:
        write_manifest(part, records)
