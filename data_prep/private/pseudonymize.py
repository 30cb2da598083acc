"""Takes the ids and names of a source out of everything that is written or shown."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from data_prep.private.nameless import NamelessReader
from data_prep.private.path_words import hide_words, path_words
from data_prep.pseudonyms import Pseudonyms
from data_prep.rejections import Rejection
from data_prep.sources.alternative import ReadOrAdvise
from data_prep.sources.scan import Found, Scan
from monai_vq.data import SliceStack, Volume

__all__ = ["pseudonymize"]

_EXAMPLE = re.compile(r", first [^;)]*")  # of patients who are in a table alone, so that nothing else knows their ids
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")  # an expression, a table's name: they may spell ids out
_Voxels = TypeVar("_Voxels", bound=Volume | SliceStack)
_SHORTEST_NUMBER = 3  # digits; a shorter id cannot be told from a count


def pseudonymize(found: Found, pseudonyms: Pseudonyms) -> Found:
    """Replaces ids and paths by pseudonyms, in rejections and notes too.

    Patients get keyed hashes, their sessions and scans running numbers (`P4F1C09A2B3_s01_1`), paths a keyed hash. In
    the text of a reason or note each id and each part of a path is replaced wherever it stands (see `path_words`), and
    the examples that follow ", first" are left out; of errors when a scan is read, too. Of the rule of the ids the
    quoted parts are left out. Tables' values (diagnosis, age, sex, site, field strength) stay.

    Args:
        found: what a source holds.
        pseudonyms: saved with every new name before this returns.
    """
    scans = _rename_scans(found.scans, pseudonyms)
    clean = _text_cleaner(found, pseudonyms)
    scans = [
        replace(scan, read=_clean_reader(scan.read, clean), read_labels=_clean_reader(scan.read_labels, clean))
        for scan in scans
    ]
    renamed = replace(
        found,
        scans=sorted(scans, key=lambda scan: scan.scan_id),
        rejections=[_rename_rejection(one, pseudonyms, clean) for one in found.rejections],
        left=[_rename_rejection(one, pseudonyms, clean) for one in found.left],
        notes=[clean(note) for note in found.notes],
        id_rule=f"keyed pseudonym of: {_QUOTED.sub('(hidden)', found.id_rule)}",
    )
    pseudonyms.save()
    return renamed


def _rename_scans(scans: list[Scan], pseudonyms: Pseudonyms) -> list[Scan]:
    sessions: dict[str, list[str]] = defaultdict(list)
    numbers: dict[tuple[str, str], int] = defaultdict(int)
    renamed = []
    for scan in sorted(scans, key=lambda scan: (scan.patient_id, scan.session_id, scan.scan_id)):
        visits = sessions[scan.patient_id]
        if scan.session_id not in visits:
            visits.append(scan.session_id)
        session = f"s{len(visits):02d}" if scan.session_id else ""
        patient = pseudonyms.patient(scan.patient_id)
        numbers[patient, session] += 1
        scan_id = "_".join(filter(None, (patient, session, str(numbers[patient, session]))))
        source = pseudonyms.source(scan.source)
        renamed.append(replace(scan, patient_id=patient, session_id=session, scan_id=scan_id, source=source))
    return renamed


def _rename_rejection(rejection: Rejection, pseudonyms: Pseudonyms, clean: Callable[[str], str]) -> Rejection:
    return Rejection(pseudonyms.source(rejection.source), clean(rejection.reason), clean(rejection.remedy))


def _text_cleaner(found: Found, pseudonyms: Pseudonyms) -> Callable[[str], str]:
    """A function that replaces every id, path and part of a path in a text, the longest first."""
    words: dict[str, str] = {}
    paths = [scan.source for scan in found.scans]
    paths += [rejection.source for rejection in (*found.rejections, *found.left)]
    for path in paths:
        words |= dict.fromkeys(path_words(PurePosixPath(path)), "(name)")
    words |= {path: pseudonyms.source(path) for path in paths}
    ids = {scan.patient_id for scan in found.scans}
    words |= {one: pseudonyms.patient(one) for one in ids if not _is_count(one)}
    hide = hide_words(words)
    return lambda text: hide(_EXAMPLE.sub("", text))


def _is_count(patient_id: str) -> bool:
    """Whether an id is a number like those that a sentence counts with."""
    return patient_id.isdigit() and len(patient_id) < _SHORTEST_NUMBER


def _clean_reader(read: Callable[[tuple[Path, ...]], _Voxels], clean: Callable[[str], str]) -> NamelessReader[_Voxels]:
    return NamelessReader(replace(read, advice=clean(read.advice)) if isinstance(read, ReadOrAdvise) else read)
