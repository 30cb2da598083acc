"""Finds the T1-weighted scans of an OASIS-3 download, simplified (`anat1/`) or not (`anat1/{BIDS,NIFTI}/`)."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.oasis3_names import (
    SessionName,
    find_images,
    find_name_problem,
    is_t1w,
    name_scan,
    parse_session,
    resembles_session,
)
from data_prep.sources.oasis3_tables import Tables, read_sidecar, read_tables
from data_prep.sources.oasis_sessions import OVERLAP
from data_prep.sources.orientation_option import add_orientation_argument, make_reader
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data import Volume
from monai_vq.errors import InputError

__all__ = ["OASIS3", "find_oasis3"]

ID_RULE = "the OAS3nnnn of the session's folder OAS3nnnn_MR_dnnnn and of the file's name, which must agree"


def find_oasis3(source: Path, *, tables: Path | None = None, assume_orientation: str | None = None) -> Found:
    """Lists the T1-weighted volumes of all MR sessions; opens tables and JSON sidecars alone.

    A session is a folder `OAS3nnnn_MR_dnnnn` at any depth. Of its images those whose names end in `_T1w.nii.gz` are
    taken, every run of them; other contrasts and PET sessions are left out. The diagnosis is that of the visit
    nearest in days, within a year (see `Tables.person` and `parse_diagnosis`).

    Args:
        source: a folder that holds the sessions, and perhaps the tables.
        tables: a folder that holds the tables `OASIS3_demographics`, `OASIS3_UDSb4_cdr` and `OASIS3_MR_json` at any
            depth; by default they are looked for in the source's folders outside the sessions.
        assume_orientation: see `read_volume`.

    Raises:
        InputError: a folder is missing, there is no usable scan, or a table cannot be read.
    """
    read = make_reader(assume_orientation)
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the folder that holds the OAS3nnnn_MR_dnnnn folders")
    if tables is not None and not tables.is_dir():
        raise InputError(f"no folder {tables}; give the folder that holds OASIS3_UDSb4_cdr and the other tables")
    sessions, folders = _walk(source)
    known = read_tables(folders if tables is None else _walk(tables)[1])
    found = Found(ID_RULE)
    for folder in sessions:
        _find_session(folder, source, known, read, found)
    if not found.scans:
        raise InputError(_describe_nothing(source, sessions, found))
    found.scans.sort(key=lambda scan: scan.scan_id)
    found.notes = [OVERLAP, *_describe_sessions(sessions, found), *known.describe_gaps(found.scans)]
    return found


def _walk(source: Path) -> tuple[list[Path], list[Path]]:
    """The session folders, and all others outside them, sorted."""
    sessions: list[Path] = []
    others: list[Path] = []
    for folder, names, _ in os.walk(source):
        others.append(Path(folder))
        names.sort()
        inside = {name for name in names if parse_session(name) or resembles_session(name)}
        sessions += [Path(folder, name) for name in names if name in inside]
        names[:] = [name for name in names if name not in inside and not name.startswith(".")]
    return sessions, others


def _find_session(
    folder: Path, source: Path, tables: Tables, read: Callable[[tuple[Path, ...]], Volume], found: Found
) -> None:
    session = parse_session(folder.name)
    if session is None:
        reason = "the folder's name does not say whose session it is, and on which day"
        remedy = "rename it back to OAS3nnnn_MR_dnnnn, with four digits in each place"
        found.rejections.append(Rejection(folder.relative_to(source).as_posix(), reason, remedy))
    elif session.modality == "MR":
        person = tables.person(session, folder.name)
        for scan_id, path in _choose_images(folder, session, source, found).items():
            known = replace(person, field_strength=read_sidecar(path) or person.field_strength)
            relative = path.relative_to(source).as_posix()
            found.scans.append(Scan((path,), relative, session.patient_id, session.session_id, scan_id, known, read))


def _choose_images(folder: Path, session: SessionName, source: Path, found: Found) -> dict[str, Path]:
    """The T1-weighted images of a session by scan id; what is not taken is listed."""
    chosen: dict[str, Path] = {}
    for path in find_images(folder):
        relative = path.relative_to(source).as_posix()
        if not is_t1w(path.name):
            found.left.append(Rejection(relative, "not T1-weighted by its name", "nothing is to do"))
            continue
        problem = find_name_problem(path, session)
        if problem is None:
            twin = chosen.setdefault(name_scan(path.name), path)
            if twin is path:
                continue
            reason = f"the same scan by its name as {twin.relative_to(source).as_posix()}, which is taken"
            problem = reason, "remove one of them; if they are two scans, name them _run-01 and _run-02"
        found.rejections.append(Rejection(relative, *problem))
    return chosen


def _describe_nothing(source: Path, sessions: Sequence[Path], found: Found) -> str:
    rejected = f" ({describe_rejections(found.rejections)})" if found.rejections else ""
    return (
        f"no T1-weighted scan in {len(sessions)} OASIS-3 session folder(s) under {source}{rejected}; "
        "give the folder that holds the folders OAS3nnnn_MR_dnnnn with their *_T1w.nii.gz"
    )


def _describe_sessions(folders: Sequence[Path], found: Found) -> Iterator[str]:
    """Sentences on the sessions of which nothing was taken."""
    sessions = [session for session in (parse_session(folder.name) for folder in folders) if session]
    others = Counter(session.modality for session in sessions if session.modality != "MR")
    if others:
        counts = ", ".join(f"{count} {modality}" for modality, count in sorted(others.items()))
        yield f"sessions of another modality than MR were left out: {counts}"
    scanned = {(scan.patient_id, scan.session_id) for scan in found.scans}
    bare = [
        f"{session.patient_id}_MR_{session.session_id}"
        for session in sessions
        if session.modality == "MR" and (session.patient_id, session.session_id) not in scanned
    ]
    if bare:
        yield f"{len(bare)} MR session(s) have no T1-weighted image that can be taken, first {min(bare)}"


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="DIR",
        help="folder of OASIS3_demographics, OASIS3_UDSb4_cdr and OASIS3_MR_json, at any depth (default: the source)",
    )
    add_orientation_argument(parser)


OASIS3 = Source(
    summary="OASIS-3: folders OAS3nnnn_MR_dnnnn of either download shape, T1w by name, diagnosis of the nearest visit",
    finder=find_oasis3,
    add_arguments=_add_arguments,
    options=("tables", "assume_orientation"),
)
