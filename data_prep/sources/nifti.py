"""Any folder or glob of NIfTI files, once its user says how to tell whose they are."""

import argparse
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.nifti_ids import Identity, PatientIds, RegexIds, TableIds, refuse_alike, suggest_regex
from data_prep.sources.nifti_names import pad_numbers
from data_prep.sources.orientation_option import add_orientation_argument, make_reader
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data import VolumeError
from monai_vq.data.scan_names import name_scans
from monai_vq.errors import InputError

__all__ = ["NIFTI", "find_nifti"]

_WILDCARDS = frozenset("*?[")
_ENDINGS, _PAIR_ENDINGS = (".nii", ".nii.gz"), (".img", ".img.gz")
_LIKE_LABELS = re.compile(r"(?:^|[-_.])(?:d?seg|aseg|aparc|(?:brain)?mask|labels?|probseg)(?=[-_.])", re.IGNORECASE)
_N_SHOWN = 3


def find_nifti(
    source: Path,
    *,
    patient_regex: str | None = None,
    patient_table: Path | None = None,
    assume_orientation: str | None = None,
) -> Found:
    """Lists all NIfTI files of a folder and its sub-folders, or those that a glob matches, without opening them.

    Args:
        source: a folder, or a glob such as `study/**/*_T1w.nii.gz`.
        patient_regex: see `RegexIds`.
        patient_table: see `TableIds`; of the two exactly one must be given, as a patient id is never guessed.
        assume_orientation: see `read_volume`.

    Raises:
        InputError: there is no NIfTI file, no patient of any is known, two are spelt alike, or an option is invalid.
    """
    read = make_reader(assume_orientation)
    root, paths = _list_files(source)
    relatives = {path.relative_to(root).as_posix(): path for path in paths if path.name.lower().endswith(_ENDINGS)}
    if not relatives:
        raise InputError(f"no .nii or .nii.gz file in {source}; give a folder that holds some, or a glob in quotes")
    ids = _choose_ids(list(relatives), root, patient_regex, patient_table)
    found = Found(ids.id_rule, rejections=list(_reject_pairs(paths, root)))
    identities = _identify(relatives, ids, found)
    if not identities:
        raise InputError(f"no patient of any file is known; {describe_rejections(found.rejections)}")
    refuse_alike(one.patient_id for one in identities.values())
    found.has_sessions = all(one.session_id for one in identities.values())
    sessions = pad_numbers({identity.session_id for identity in identities.values()})
    labels = ["_".join(filter(None, (one.patient_id, sessions[one.session_id]))) for one in identities.values()]
    for (relative, one), scan_id in zip(identities.items(), name_scans(labels), strict=True):
        session = sessions[one.session_id]
        found.scans.append(Scan((relatives[relative],), relative, one.patient_id, session, scan_id, one.person, read))
    found.scans.sort(key=lambda scan: scan.scan_id)
    found.notes = [*ids.describe_gaps(relatives), *_describe_labels(identities)]
    return found


def _list_files(source: Path) -> tuple[Path, list[Path]]:
    """The folder to which paths are relative, and all files that are not hidden, sorted."""
    depth = next((index for index, part in enumerate(source.parts) if _WILDCARDS & set(part)), None)
    if source.is_dir() or depth is None:
        root, pattern = source, "**/*"
    else:
        root, pattern = Path(*source.parts[:depth]), "/".join(source.parts[depth:])
    if not root.is_dir():
        raise InputError(f"no folder {root}; give one that holds NIfTI files, or a glob in quotes")
    paths = (path for path in root.glob(pattern) if path.is_file() or path.is_symlink())
    return root, sorted(path for path in paths if not _is_hidden(path.relative_to(root)))


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _choose_ids(relatives: Sequence[str], root: Path, regex: str | None, table: Path | None) -> PatientIds:
    if regex is not None and table is not None:
        raise InputError("--patient_regex and --patient_table contradict one another; give one of them")
    if regex is not None:
        return RegexIds(regex)
    if table is not None:
        return TableIds.read(table, root)
    raise InputError(
        f"nothing says whose the {len(relatives)} image(s) are, such as {', '.join(relatives[:_N_SHOWN])}; give "
        "--patient_regex with a group that is the patient in such a path, and one named session where it says the "
        "visit, as in '(?P<patient>P[0-9]+)_(?P<session>V[0-9]+)', or --patient_table with the columns file, "
        f"patient_id and session_id{_describe_suggestion(relatives)}"
    )


def _describe_suggestion(relatives: Sequence[str]) -> str:
    regex = suggest_regex(relatives)
    if regex is None:
        return ""
    patients = dict.fromkeys(RegexIds(regex).identify(relative).patient_id for relative in relatives)
    return f"; if {', '.join(list(patients)[:_N_SHOWN])} are patients, give --patient_regex '{regex}'"


def _identify(relatives: dict[str, Path], ids: PatientIds, found: Found) -> dict[str, Identity]:
    identities = {}
    for relative, path in relatives.items():
        try:
            if not path.exists():
                raise VolumeError("a link to a file that is not here", "fetch it first, as by `datalad get`")
            identities[relative] = ids.identify(relative)
        except VolumeError as error:
            found.rejections.append(Rejection.from_error(relative, error))
    return identities


def _reject_pairs(paths: Iterable[Path], root: Path) -> Iterator[Rejection]:
    for path in paths:
        if path.name.lower().endswith(_PAIR_ENDINGS):
            reason = "an image with its header in another file (.img with .hdr); Analyze headers have no axes"
            remedy = "convert it to .nii.gz with its true axes, as by nibabel; OASIS-1 and -2 have sources of their own"
            yield Rejection(path.relative_to(root).as_posix(), reason, remedy)


def _describe_labels(relatives: Collection[str]) -> Iterator[str]:
    named = [relative for relative in relatives if _LIKE_LABELS.search(relative.rpartition("/")[2])]
    if named:
        yield (
            f"{len(named)} file(s) are named like masks or label maps, first {named[0]}: if they are, keep them out by "
            "a glob, such as --source 'STUDY/**/*_T1w.nii.gz'"
        )


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--patient_regex",
        metavar="REGEX",
        help="searched in each file's path below the source; its group named patient (or first group) is the patient's "
        "id, one named session the visit",
    )
    parser.add_argument(
        "--patient_table",
        type=Path,
        metavar="FILE",
        help=".csv, .tsv or .xlsx with the columns file and patient_id, and session_id, diagnosis, age, sex if known",
    )
    add_orientation_argument(parser)


NIFTI = Source(
    summary="any folder or glob of NIfTI files, with --patient_regex or --patient_table to tell whose they are",
    finder=find_nifti,
    add_arguments=_add_arguments,
    options=("patient_regex", "patient_table", "assume_orientation"),
    example="--patient_regex '(P[0-9]+)' --pseudonymize --key_file keys/nifti.json",
)
