"""`python -m data_prep SOURCE`: one command for every source, with its own options beside the common ones."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data_prep.commands.command import Command, public_command
from data_prep.commands.options import (
    add_output_arguments,
    add_pseudonym_arguments,
    add_split_arguments,
    add_volume_arguments,
)
from data_prep.commands.summary import print_summary
from data_prep.prepare import find_source, prepare_source
from data_prep.rejections import REJECTED_NAME
from data_prep.sources import Found, Source
from data_prep.workers import check_workers
from monai_vq.data.assignment import check_fractions
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.slicing import SlicingSettings
from monai_vq.errors import InputError

__all__ = ["source_command"]

_VOLUME_OPTIONS = ("plane", "window_unit")
_N_LISTED = 20  # of a kind: what a screen holds


def source_command(name: str, source: Source) -> Command:
    """The command that prepares a source."""
    return Command(
        summary=source.summary,
        example=f"--source downloads/{name} --output_dir data/{name} {source.example}".strip(),
        add_arguments=partial(_add_arguments, source=source),
        run=partial(_run, name=name, source=source),
    )


def _add_arguments(parser: argparse.ArgumentParser, source: Source) -> None:
    parser.add_argument("--source", type=Path, required=True, help="root of the unpacked download")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of the prepared dataset")
    source.add_arguments(parser.add_argument_group("options of this source"))
    if source.volumes:
        add_volume_arguments(parser)
    add_split_arguments(parser)
    add_output_arguments(parser)
    if "key_file" not in source.options:
        add_pseudonym_arguments(parser)


def _run(options: argparse.Namespace, name: str, source: Source) -> int:
    key_file = _choose_key_file(options, source)
    own: dict[str, Any] = {option: getattr(options, option) for option in source.options}
    if options.dry_run:
        return _run_dry(options, name, own, key_file)
    volume = {option: getattr(options, option) for option in _VOLUME_OPTIONS} if source.volumes else {}
    if source.volumes:
        volume |= {"slice_range": _to_pair(options.slice_range), "window": _to_pair(options.window)}
    summary = prepare_source(
        name,
        options.source,
        options.output_dir,
        own,
        **volume,
        num_slices=options.num_slices,
        fractions=tuple(options.fractions),
        stratify=options.stratify,
        seed=options.seed,
        sessions=options.sessions,
        key_file=key_file,
        checksums=options.checksums,
        workers=options.workers,
        scheduler=options.scheduler,
        strict=options.strict,
        force=options.force,
        command=public_command(options, hidden=key_file is not None or own.get("keep_ids") is False),
    )
    print_summary(summary)
    return 0


def _run_dry(options: argparse.Namespace, name: str, own: dict[str, Any], key_file: Path | None) -> int:
    """Lists the source with a key that is thrown away: nothing is written that was not there."""
    if hasattr(options, "plane"):
        pair = _to_pair(options.slice_range) or (0.0, 1.0)
        SlicingSettings(options.plane, pair, options.num_slices, tuple(options.window), options.window_unit)
    check_fractions(options.fractions)
    check_workers(options.workers, options.scheduler)
    with TemporaryDirectory() as folder:
        passing = Path(folder) / "key.json"
        if key_file is not None:
            key_file = passing
        if "key_file" in own and not own.get("keep_ids"):
            own["key_file"] = passing
        found = find_source(
            name, options.source, own, sessions=options.sessions, key_file=key_file, checksums=options.checksums
        )
        return _list_source(found)


def _to_pair(values: list[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])


def _choose_key_file(options: argparse.Namespace, source: Source) -> Path | None:
    """The key file where this command pseudonymises; a source that does so itself gets it with its own options."""
    if "key_file" in source.options:
        return None
    if options.pseudonymize != (options.key_file is not None):
        raise InputError("--pseudonymize and --key_file FILE go together; keep the file apart from the dataset")
    return Path(options.key_file) if options.pseudonymize else None


def _list_some(what: str, items: Sequence[object], table: str) -> None:
    for item in items[:_N_LISTED]:
        print(f"{what:<8}{item}")
    if len(items) > _N_LISTED:
        print(f"{what:<8}… and {len(items) - _N_LISTED} more (see {table} after the run)")


def _list_source(found: Found) -> int:
    _list_some("take", [scan.source for scan in found.scans], MANIFEST_NAME)
    _list_some("reject", found.rejections, REJECTED_NAME)
    _list_some("leave", found.left, REJECTED_NAME)
    for note in found.notes:
        print(f"note: {note}")
    patients = len({scan.patient_id for scan in found.scans})
    what = {"patient": f"scans of {patients} patients", "scan": "scans", "image": "stacks of images"}[found.unit]
    print(f"{len(found.scans)} {what} would be taken; nothing was written")
    return 0
