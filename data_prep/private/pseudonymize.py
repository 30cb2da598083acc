"""Takes the ids and names of a source out of everything that is written or shown."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from data_prep.pseudonyms import Pseudonyms
from data_prep.rejections import Rejection
from data_prep.sources.scan import Found, Scan

__all__ = ["pseudonymize"]

_EXAMPLE = re.compile(r", first [^;)]*")  # of patients who are in a table alone, so that nothing else knows their ids
_SHORTEST = 3  # characters; a shorter part of a path, such as "MR", is in half of all words


def pseudonymize(found: Found, pseudonyms: Pseudonyms) -> Found:
    """Replaces ids and paths by pseudonyms, in rejections and notes too.

    Patients get keyed hashes, their sessions and scans running numbers (`P4F1C09A2B3_s01_1`), paths a keyed hash. In
    the text of a reason or note each id and each part of a path is replaced wherever it stands, and the examples that
    follow ", first" are left out. Tables' values (diagnosis, age, sex, site, field strength) stay.

    Args:
        found: what a source holds.
        pseudonyms: saved with every new name before this returns.
    """
    scans = _rename_scans(found.scans, pseudonyms)
    clean = _text_cleaner(found, scans, pseudonyms)
    renamed = replace(
        found,
        scans=sorted(scans, key=lambda scan: scan.scan_id),
        rejections=[_rename_rejection(one, pseudonyms, clean) for one in found.rejections],
        left=[_rename_rejection(one, pseudonyms, clean) for one in found.left],
        notes=[clean(note) for note in found.notes],
        id_rule=f"keyed pseudonym of: {found.id_rule}",
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


def _spellings(part: str) -> set[str]:
    """A part of a path, its pieces, and the forms in which a remedy may spell it."""
    stem = part.split(".")[0]
    label = stem.partition("-")[2]
    plain = {re.sub(r"[^A-Za-z0-9]", "", text) for text in (stem, label)}
    return {word for word in {part, stem, label, *plain, *re.split(r"[-_\s]", stem)} if len(word) >= _SHORTEST}


def _text_cleaner(found: Found, renamed: list[Scan], pseudonyms: Pseudonyms) -> Callable[[str], str]:
    """A function that replaces every id, path and part of a path in a text, the longest first."""
    words: dict[str, str] = {}
    paths = [scan.source for scan in found.scans]
    paths += [rejection.source for rejection in (*found.rejections, *found.left)]
    for path in paths:
        words[path] = pseudonyms.source(path)
        for part in PurePosixPath(path).parts:
            words |= dict.fromkeys(_spellings(part), "(name)")
    words |= {scan.patient_id: pseudonyms.patient(scan.patient_id) for scan in found.scans}
    if not words:
        return str
    ordered = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in ordered))
    return lambda text: pattern.sub(lambda match: words[match[0]], _EXAMPLE.sub("", text))
