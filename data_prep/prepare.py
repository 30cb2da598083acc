"""Scans to a prepared dataset on disk: the walk from a source's volumes to manifest, slices, split and QC page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.checksums import check_against
from data_prep.output import PROVENANCE_NAME, open_output, write_json
from data_prep.private.pseudonymize import pseudonymize
from data_prep.provenance import describe_run, describe_settings
from data_prep.pseudonyms import Pseudonyms
from data_prep.qc import write_qc
from data_prep.rejections import REJECTED_NAME, Rejection, describe_rejections, write_rejections
from data_prep.rerun import prune_slices, refuse_changed_rows, refuse_changed_source, refuse_changed_split
from data_prep.scan_loop import Outcome, prepare_scans
from data_prep.sessions import choose_sessions
from data_prep.sources import SOURCES, Found
from data_prep.workers import check_workers
from monai_vq.atomic import atomic_path
from monai_vq.data import Cohort, ScanRecord, Splits, file_sha256, make_splits, write_manifest, write_splits
from monai_vq.data.assignment import check_fractions, check_patient_count, choose_columns
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.slicing import DEFAULT_SLICE_RANGE, DEFAULT_WINDOW, STRIPPED_SLICE_RANGE, SlicingSettings
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.errors import InputError

__all__ = ["DEFAULT_FRACTIONS", "PrepareSummary", "find_source", "prepare_source"]

DEFAULT_FRACTIONS = (0.7, 0.15, 0.15)


@dataclass(frozen=True)
class PrepareSummary:
    """What a run did.

    Attributes:
        output_dir: the prepared dataset.
        splits: the split, with its table of counts.
        n_rejected: scans that could not be used.
        n_left: files left out on purpose.
        n_reused: scans that an earlier run had prepared.
        n_empty_slices: slices left out for having no foreground.
        volumes_per_second: newly prepared scans over the time their preparation took; 0 where none was.
        qc_page: page to look at before training.
        notes: what the user should know of the source.
    """

    output_dir: Path
    splits: Splits
    n_rejected: int
    n_left: int
    n_reused: int
    n_empty_slices: int
    volumes_per_second: float
    qc_page: Path
    notes: tuple[str, ...]


def find_source(
    name: str,
    source: Path,
    own: Mapping[str, Any] | None = None,
    *,
    sessions: str = "all",
    key_file: Path | None = None,
    checksums: Path | None = None,
) -> Found:
    """Lists what would be prepared, what not, and why; see `prepare_source` for the arguments.

    Raises:
        InputError: the source is unknown or bad.
    """
    if name not in SOURCES:
        raise InputError(f"unknown source {name!r}; expected one of {', '.join(SOURCES)}")
    found = choose_sessions(SOURCES[name].find(source, **(own or {})), sessions)
    found = found if checksums is None else check_against(found, checksums, source)
    return found if key_file is None else pseudonymize(found, Pseudonyms.open(key_file))


def prepare_source(
    name: str,
    source: Path | str,
    output_dir: Path | str,
    own: Mapping[str, Any] | None = None,
    *,
    plane: str = "axial",
    slice_range: tuple[float, float] | None = None,
    num_slices: int | None = None,
    window: tuple[float, float] = DEFAULT_WINDOW,
    window_unit: str = "percentile",
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    stratify: Sequence[str] | None = None,
    seed: int = 0,
    sessions: str = "all",
    key_file: Path | None = None,
    checksums: Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    strict: bool = False,
    force: bool = False,
    progress: bool = True,
    command: str = "",
) -> PrepareSummary:
    """Prepares the scans of a download for training.

    A run that was killed is continued by the same call. An equal second run changes nothing but `provenance.json`.

    Args:
        name: of the source, a key of `SOURCES`.
        source: root of the unpacked download.
        output_dir: folder of the prepared dataset; new, or of an equal earlier run.
        own: the source's own options, as its `find` function takes them.
        plane: `axial`, `coronal` or `sagittal`.
        slice_range: see `SlicingSettings`; by default `DEFAULT_SLICE_RANGE` of the plane, or `STRIPPED_SLICE_RANGE`.
        num_slices: see `SlicingSettings`.
        window: see `SlicingSettings`.
        window_unit: see `SlicingSettings`.
        fractions: of the patients for (train, val, test).
        stratify: see `make_splits`.
        seed: of the split.
        sessions: `all` of each patient, or the `first` one alone.
        key_file: replaces ids and paths by pseudonyms, whose key this file keeps; outside of `output_dir`.
        checksums: list of the download's files, as md5sum or sha256sum write it; a file that differs is rejected.
        workers: processes.
        scheduler: address of a dask scheduler, in place of processes.
        strict: stop at the first volume that cannot be used instead of listing it in `rejected.csv`.
        force: replace what an earlier run with other settings wrote.
        progress: show a progress bar.
        command: the command line, recorded in `provenance.json`; give no private paths.

    Raises:
        InputError: a setting, the source or, if `strict`, a volume is bad; nothing half-written is left.
        OSError: the dataset cannot be written.
    """
    source, output_dir = Path(source), Path(output_dir)
    SlicingSettings(plane, slice_range or (0, 1), num_slices, window, window_unit)  # before anything is read
    check_fractions(fractions)
    check_workers(workers, scheduler)
    if scheduler is not None:
        source, output_dir = source.absolute(), output_dir.absolute()  # a worker may run in another folder
    _check_apart(source, output_dir)
    _check_key_file(key_file or (own or {}).get("key_file"), output_dir)
    own = _own_options(name, own, seed)
    found = find_source(name, source, own, sessions=sessions, key_file=key_file, checksums=checksums)
    if strict and found.rejections:
        raise InputError(str(found.rejections[0]))
    defaults = STRIPPED_SLICE_RANGE if found.skull_stripped else DEFAULT_SLICE_RANGE
    slicing = SlicingSettings(plane, slice_range or defaults[plane], num_slices, window, window_unit)
    _check_split(found, fractions, stratify)
    hidden = key_file is not None or own.get("keep_ids") is False  # the second is a source that hides ids by itself
    settings = describe_settings(name, own, slicing, fractions, stratify, seed, sessions, hidden)
    with open_output(output_dir, settings, force):
        refuse_changed_source(output_dir, found.scans)
        write_json(output_dir / PROVENANCE_NAME, describe_run(command, settings))
        outcome = prepare_scans(
            found.scans,
            slicing,
            output_dir,
            strict=strict,
            progress=progress,
            workers=workers,
            scheduler=scheduler,
        )
        rejections = found.rejections + outcome.rejections
        records = [prepared.record for prepared in outcome.prepared]
        cohort = _describe_cohort(name, found, sessions, exclusions=len(rejections))
        with _rejections_explained(rejections):
            splits = make_splits(records, cohort, fractions=fractions, stratify=stratify, seed=seed)
        refuse_changed_split(output_dir, splits)
        refuse_changed_rows(output_dir, records)
        _write_tables(output_dir, records, [*rejections, *found.left], splits)
        qc_page = write_qc(output_dir)
        hashes = {name: file_sha256(output_dir / name) for name in (MANIFEST_NAME, SPLITS_NAME)}
        write_json(output_dir / PROVENANCE_NAME, describe_run(command, settings) | {"sha256": hashes})
    return _summarise(output_dir, splits, found, outcome, qc_page)


def _check_apart(source: Path, output_dir: Path) -> None:
    """A dataset inside its source would be taken for a part of it by the next run."""
    inner, outer = output_dir.resolve(), source.resolve()
    if outer.is_dir() and inner != outer and inner.is_relative_to(outer):
        raise InputError(f"--output_dir {output_dir} lies in the source {source}; give a folder outside of it")


def _check_key_file(key_file: Path | None, output_dir: Path) -> None:
    if key_file is not None and key_file.resolve().is_relative_to(output_dir.resolve()):
        raise InputError(
            f"the key file {key_file.name} would lie in the prepared dataset, whose ids it reveals; "
            "give a --key_file elsewhere"
        )


def _own_options(name: str, own: Mapping[str, Any] | None, seed: int) -> dict[str, Any]:
    """The source's options, with the seed for one that divides its images itself."""
    return ({"seed": seed} if name in SOURCES and "seed" in SOURCES[name].options else {}) | dict(own or {})


def _check_split(found: Found, fractions: Sequence[float], stratify: Sequence[str] | None) -> None:
    """Refuses a split that cannot be before the first volume is read."""
    choose_columns([vars(scan.person) for scan in found.scans], stratify)
    if _is_shipped(found):
        if tuple(fractions) != DEFAULT_FRACTIONS or stratify is not None:
            raise InputError("the split ships with this source and is kept; leave out --fractions and --stratify")
    else:
        with _rejections_explained(found.rejections):
            check_patient_count(len({scan.patient_id for scan in found.scans}), fractions)


def _is_shipped(found: Found) -> bool:
    return all(scan.split for scan in found.scans)


def _describe_cohort(name: str, found: Found, sessions: str, exclusions: int) -> Cohort:
    shipped = {scan.patient_id: scan.split for scan in found.scans} if _is_shipped(found) else None
    return Cohort(name, found.id_rule, found.unit, sessions, exclusions, shipped)


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


def _summarise(output_dir: Path, splits: Splits, found: Found, outcome: Outcome, qc_page: Path) -> PrepareSummary:
    faces = sum("face" in prepared.record.warnings for prepared in outcome.prepared)
    notes = [*found.notes]
    if faces:
        notes.append(f"{faces} scan(s) may show a face, from which a person can be known; deface before sharing any")
    return PrepareSummary(
        output_dir=output_dir,
        splits=splits,
        n_rejected=splits.exclusions,
        n_left=len(found.left),
        n_reused=len(outcome.prepared) - outcome.n_new,
        n_empty_slices=sum(prepared.n_empty for prepared in outcome.prepared),
        volumes_per_second=outcome.n_new / outcome.seconds if outcome.n_new else 0.0,
        qc_page=qc_page,
        notes=tuple(notes),
    )
