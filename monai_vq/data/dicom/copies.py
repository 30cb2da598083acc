"""The same image twice: a copy under another name is harmless, another image under the same UID is not."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from monai_vq.data.dicom.headers import DicomHeader
from monai_vq.data.dicom.stream import explained_damage
from monai_vq.data.hashing import file_sha256
from monai_vq.data.nifti import VolumeError

__all__ = ["check_instances", "drop_copies"]


def drop_copies(headers: Sequence[DicomHeader]) -> tuple[list[DicomHeader], int]:
    """Leaves out files that have the SOPInstanceUID and every byte of an earlier one.

    Returns:
        The rest, in order, and how many files were left out.

    Raises:
        VolumeError: a file can no longer be read.
    """
    twins: dict[str, list[DicomHeader]] = defaultdict(list)
    for header in headers:
        twins[header.sop_instance].append(header)
    kept, seen = [], set()
    for header in headers:
        if header.sop_instance and len(twins[header.sop_instance]) > 1:  # only then is the whole file read
            with explained_damage():
                content = file_sha256(header.path)
            if content in seen:
                continue
            seen.add(content)
        kept.append(header)
    return kept, len(headers) - len(kept)


def check_instances(headers: Sequence[DicomHeader]) -> None:
    """Refuses different images that claim to be the same one; give what `drop_copies` left.

    Raises:
        VolumeError: a SOPInstanceUID is missing, or several files have it.
    """
    counts = Counter(header.sop_instance for header in headers)
    if counts[""]:
        raise VolumeError(f"{counts['']} of {len(headers)} images have no SOPInstanceUID", "export the series again")
    n_repeated = sum(count for count in counts.values() if count > 1)
    if n_repeated:
        raise VolumeError(
            f"{n_repeated} files share a SOPInstanceUID and differ in content, so one of them was changed or damaged",
            "export the series again",
        )
