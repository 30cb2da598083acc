"""AD_NC, the slices of ADNI that circulate as JPEG: `AD_NC/{train,test}/{AD,NC}/<image>_<slice>.jpeg`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_prep.person import Person
from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.ad_nc_folders import SliceFiles, find_root, read_folders
from data_prep.sources.ad_nc_metadata import METADATA_NAME, Entry, read_metadata
from data_prep.sources.ad_nc_slices import read_slices
from data_prep.sources.ad_nc_windows import describe_windows
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data import foreground_slices
from monai_vq.errors import InputError

__all__ = ["AD_NC", "find_ad_nc"]

_PATIENT_RULE = f"the PTID in the path `raw` that {METADATA_NAME} has for the image number in the files' names"
_SCAN_RULE = "the image number in the files' names, which stands for a scan: whose it is, is unknown"
_UNKNOWN_PATIENTS = (
    f"warning: no {METADATA_NAME}, so whose scans these are is unknown and the unit of the split is the scan; that no "
    "patient is in two splits cannot be claimed (a patient of this download has up to 8 scans); give it by --metadata"
)


def find_ad_nc(source: Path, *, metadata: Path | None = None, keep_split: bool = False) -> Found:
    """Lists the scans of which the folders hold slices, without opening a picture.

    With the metadata the unit is the patient and all are split anew, as the shipped split has patients on both sides;
    without, the unit is the scan. A scan's session is its image number, which grows with the time of its upload.

    Args:
        source: the folder `AD_NC`, or one above it.
        metadata: `meta_data_with_label.json`; by default the one beside the folders, where there is one.
        keep_split: keep the shipped split; only where no patient is on both its sides.

    Raises:
        InputError: the folder is missing or of another layout, the metadata cannot be read, or the shipped split is
            to be kept and shares patients, or may do so.
    """
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the folder AD_NC, which holds train and test")
    root = find_root(source)
    if root is None:
        raise InputError(f"no folder train or test with AD and NC in {source}; give the folder AD_NC")
    slices, rejections = read_folders(root, source)
    path = metadata or _find_metadata(root, source)
    entries = read_metadata(path) if path else None
    if entries is not None:
        slices = _reject_unattributed(slices, entries, source, rejections)
    if not slices:
        rejected = f" ({describe_rejections(rejections)})" if rejections else ""
        raise InputError(f"no scan in {source}{rejected}; expected files such as train/AD/218391_78.jpeg")
    notes = _note_joined(slices)
    if entries is None:
        notes.append(_UNKNOWN_PATIENTS)
    else:
        notes += _note_metadata(slices, entries, keep_split)
    if keep_split:
        _refuse_shared(slices, entries)
    notes += _note_windows(slices)
    scans = sorted((_to_scan(one, entries, source, keep_split) for one in slices), key=lambda scan: scan.scan_id)
    unit, rule = ("scan", _SCAN_RULE) if entries is None else ("patient", _PATIENT_RULE)
    return Found(rule, scans, rejections, notes=notes, unit=unit, skull_stripped=True)


def _find_metadata(root: Path, source: Path) -> Path | None:
    paths = (folder / METADATA_NAME for folder in (root, root.resolve().parent, source))
    return next((path for path in paths if path.is_file()), None)


def _reject_unattributed(
    slices: Sequence[SliceFiles], entries: Mapping[int, Entry], source: Path, rejections: list[Rejection]
) -> list[SliceFiles]:
    """The scans whose patient is known; one without could be anybody's, in any split."""
    known = []
    for one in slices:
        entry = entries.get(one.number, Entry("", ""))
        if not entry.patient_id:
            reason = f"{METADATA_NAME} does not say whose scan {one.number} is"
            remedy = "complete the file, or remove the scan"
        elif entry.diagnosis not in ("", one.diagnosis):
            reason = f"the scan lies in {one.diagnosis}, {METADATA_NAME} says {entry.diagnosis}"
            remedy = "remove the scan, or move it to its class"
        else:
            known.append(one)
            continue
        rejections.append(Rejection(one.files[0].relative_to(source).as_posix(), reason, remedy))
    return known


def _to_scan(one: SliceFiles, entries: Mapping[int, Entry] | None, source: Path, keep_split: bool) -> Scan:
    image = f"I{one.number:08d}"
    patient = entries[one.number].patient_id if entries else ""
    return Scan(
        files=one.files,
        source=one.files[0].relative_to(source).as_posix(),
        patient_id=patient or image,
        session_id=image if patient else "",
        scan_id=f"{patient}_{image}" if patient else image,
        person=Person(diagnosis=one.diagnosis, site=patient[:3]),
        read=read_slices,
        split=one.splits[0] if keep_split else "",
    )


def _shared_patients(slices: Sequence[SliceFiles], entries: Mapping[int, Entry]) -> tuple[set[str], set[str]]:
    """Patients of the shipped test folder, and those of them who are in train too."""
    patients = {
        split: {entries[one.number].patient_id for one in slices if split in one.splits} for split in ("train", "test")
    }
    return patients["test"], patients["test"] & patients["train"]


def _refuse_shared(slices: Sequence[SliceFiles], entries: Mapping[int, Entry] | None) -> None:
    if entries is None:
        raise InputError(
            f"--keep_split without {METADATA_NAME}: whether the shipped split shares patients cannot be known; give "
            "the file by --metadata, or leave --keep_split out"
        )
    tested, shared = _shared_patients(slices, entries)
    if shared:
        raise InputError(
            f"--keep_split: {len(shared)} of {len(tested)} test patients are also in train; "
            "leave it out, and the patients are split anew"
        )


def _note_joined(slices: Sequence[SliceFiles]) -> list[str]:
    n_joined = sum(len(one.splits) > 1 for one in slices)
    return [f"{n_joined} scan(s) have slices in train and in test, which are joined"] if n_joined else []


def _note_metadata(slices: Sequence[SliceFiles], entries: Mapping[int, Entry], keep_split: bool) -> list[str]:
    tested, shared = _shared_patients(slices, entries)
    done = "it is kept" if keep_split else "patients are split anew"
    notes = [f"in the shipped split {len(shared)} of {len(tested)} test patients are also in train; {done}"]
    if n_absent := len(entries.keys() - {one.number for one in slices}):
        notes.append(f"{n_absent} of {len(entries)} entries of {METADATA_NAME} have no slices here")
    return notes


def _note_windows(slices: Sequence[SliceFiles]) -> list[str]:
    n_gaps = sum(len(one.slices) <= max(one.slices) - min(one.slices) for one in slices)
    notes = [f"{n_gaps} scan(s) lack slices between their first and last"] if n_gaps else []
    if len({one.diagnosis for one in slices}) > 1:
        notes.append(describe_windows([(one.diagnosis, min(one.slices), max(one.slices)) for one in slices]))
    return notes


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add("--metadata", type=Path, metavar="FILE", help=f"{METADATA_NAME} (default: the one beside the folders)")
    add("--keep_split", action="store_true", help="keep the shipped split; refused where it shares patients")


AD_NC = Source(
    "AD_NC, the JPEG slices of ADNI: AD_NC/{train,test}/{AD,NC}/<image>_<slice>.jpeg",
    find_ad_nc,
    _add_arguments,
    options=("metadata", "keep_split"),
    volumes=False,
    foreground=foreground_slices.ALGORITHM,
)
