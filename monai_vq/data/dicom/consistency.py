"""Do these files make up one volume? DICOM has no checksum, but slices of a volume repeat what they share."""

from collections import Counter
from collections.abc import Hashable, Sequence

from monai_vq.data.dicom.copies import check_instances
from monai_vq.data.dicom.headers import DicomHeader
from monai_vq.data.dicom.pixels import check_decoder, check_format
from monai_vq.data.nifti import MAX_DIM, VolumeError
from monai_vq.data.storage import MAX_VOLUME_BYTES

__all__ = ["check_series"]

_ECHO_TOLERANCE = 0.01  # ms
_APART = "sort the files so that each series lies apart"
_ONE_KIND = "keep one kind: a series may have been exported both as single images and as one file of many frames"
_EXPORT_AGAIN = "export the series again"


def check_series(headers: Sequence[DicomHeader], max_bytes: int = MAX_VOLUME_BYTES) -> None:
    """Checks all that the files of one volume must share but their geometry, which `find_grid` checks.

    Args:
        headers: without copies (see `drop_copies`).
        max_bytes: of the volume as float32.

    Raises:
        VolumeError: a file is cut off; files are of several patients, studies or series, of different pixel formats or
            echoes; two images claim to be the same; pixels cannot be decoded here; one slice is scaled unlike all
            others. No id is named.
    """
    n_cut = sum(header.is_cut or header.pixels is None for header in headers)
    if n_cut:
        raise VolumeError(f"{n_cut} of {len(headers)} files are cut off before the end of their pixels", _EXPORT_AGAIN)
    _check_one([header.patient for header in headers], "patients", _APART)
    _check_one([header.study for header in headers], "studies", _APART)
    _check_one([header.series for header in headers], "series", _APART)
    _check_one([header.sop_class for header in headers], "kinds of objects", _ONE_KIND)
    check_instances(headers)
    _check_one([header.format for header in headers], "sizes or pixel formats", _EXPORT_AGAIN)
    check_format(headers[0].format)
    for syntax in sorted({header.syntax for header in headers}):
        check_decoder(syntax)
    _check_frames(headers)
    _check_total(headers[0], sum(len(header.frames) for header in headers), max_bytes)


def _check_one(values: Sequence[Hashable], what: str, remedy: str) -> None:
    counts = Counter(values).most_common()
    if len(counts) > 1:
        numbers = ", ".join(str(count) for _, count in counts[:5])
        raise VolumeError(f"files of {len(counts)} {what} ({numbers} files), expected one", remedy)


def _check_frames(headers: Sequence[DicomHeader]) -> None:
    for header in headers:
        if len(header.frames) != header.format.frames:
            raise VolumeError(
                f"a file of {header.format.frames} frames says where {len(header.frames)} of them lie",
                "export it as enhanced MR, or as single images",
            )
    frames = [frame for header in headers for frame in header.frames]
    echoes = [frame.echo_time for frame in frames]
    known = [echo for echo in echoes if echo is not None]
    if len(known) not in (0, len(echoes)) or (known and max(known) - min(known) > _ECHO_TOLERANCE):
        remedy = "give the files of each echo apart" if len(headers) > 1 else "export it as single images"
        raise VolumeError("images of different echo times, expected one echo", remedy)
    if any(not frame.slope or frame.intercept is None for frame in frames):
        raise VolumeError("RescaleSlope or RescaleIntercept is 0 or cannot be read", _EXPORT_AGAIN)
    scales = Counter((frame.slope, frame.intercept) for frame in frames)
    if len(scales) > 1 and scales.most_common(1)[0][1] == len(frames) - 1 > 1:
        raise VolumeError("one slice is rescaled unlike all others, so its header was changed", _EXPORT_AGAIN)


def _check_total(header: DicomHeader, n_slices: int, max_bytes: int) -> None:
    size = n_slices * (header.format.rows or 0) * (header.format.columns or 0) * 4  # float32
    if n_slices > MAX_DIM or size > max_bytes:
        raise VolumeError(
            f"{n_slices} slices of {size} bytes as float32, expected at most {MAX_DIM} and {max_bytes}",
            "give one volume at a time",
        )
