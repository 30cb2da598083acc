"""One scan in memory: read once, checked, with what the manifest says about its source."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from monai_vq.data.hashing import files_sha256
from monai_vq.data.nifti import VolumeError, decode_nifti
from monai_vq.data.orientation import axes_affine
from monai_vq.data.storage import MEMORY, Storage, blocks, largest_stride_first

__all__ = ["Volume", "check_affine", "check_intensities", "find_affine", "read_intensities", "read_volume"]

SPACING_TOLERANCE = 0.01  # relative; single precision and "scaled" headers stay below it, a lost affine does not
MAX_PLACE_MM = 10_000.0  # from the scanner's centre; one flipped byte of a header gives 3.7e31
MIN_SPACING_MM, MAX_SPACING_MM = 0.05, 30.0  # outside, the header is in metres or micrometres
DIAGONAL_TOLERANCE = 1e-4  # relative; a head that was really scanned lies less straight than that
MIN_AGREEMENT = 0.5**0.5  # cosine of 45 degrees: an axis that is farther off points to another side of the body
_CONVERT_AGAIN = "convert the original images again, or set a true sform"
_ASSUME = "give --assume_orientation with the axes as stored, such as PSR, if you know them; or " + _CONVERT_AGAIN


@dataclass(frozen=True)
class Volume:
    """A 3-D scan as stored.

    Attributes:
        array: intensities, float32 [I, J, K], finite and not constant.
        affine: voxel to world (right, anterior, superior) in mm, float64 [4, 4].
        sha256: of the file's bytes.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    sha256: str

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size along each stored axis in mm."""
        return tuple(round(float(size), 6) for size in nib.affines.voxel_sizes(self.affine))

    @property
    def axes(self) -> str:
        """Anatomical direction in which each stored index grows, such as `PSR`."""
        return "".join(nib.aff2axcodes(self.affine))


def read_volume(path: Path, *, assume_axes: str | None = None, storage: Storage = MEMORY) -> Volume:
    """Reads a `.nii` or `.nii.gz` file to its last byte and checks all that can silently go wrong.

    Args:
        path: the file.
        assume_axes: anatomical direction in which each stored index grows, such as `PSR`; used only where the header
            has lost its orientation: no form code is set, or the matrix is a plain diagonal whose voxel size
            contradicts the header's. The affine is then that of these axes and the header's voxel size.
        storage: holds the voxels.

    Raises:
        VolumeError: the file is damaged or of another format (see `decode_nifti`), has no usable orientation,
            holds NaN or infinite values, or is constant.
        InputError: `assume_axes` is no code of axes.
        OSError: the file cannot be opened, or the storage has no room.
    """
    with path.open("rb") as file:
        image = decode_nifti(path.name, file, storage)
    affine = find_affine(image, assume_axes)
    array = read_intensities(image, storage)
    check_intensities(array)
    return Volume(array, affine, files_sha256([path]))


def read_intensities(image: nib.Nifti1Image, storage: Storage = MEMORY) -> NDArray[np.float32]:
    """The voxels of a decoded image, [I, J, K], with the header's scaling applied.

    Raises:
        VolumeError: the scaling is invalid.
        OSError: the storage has no room.
    """
    shape = image.shape[:3]
    array = storage.empty(shape, np.float32, order="F")
    try:
        for planes in blocks(shape[2], array[..., :1].nbytes):
            array[..., planes] = image.dataobj[:, :, planes].reshape(*shape[:2], -1)
    except HeaderDataError as error:
        raise VolumeError(f"the intensity scaling is invalid ({error})", "convert the original images again") from error
    return array


def check_affine(affine: NDArray[np.floating]) -> None:
    """Refuses a voxel-to-world matrix [4, 4] that is no matrix of a head in mm.

    Raises:
        VolumeError: it is not finite or singular, or a voxel is impossibly small, large or far away.
    """
    linear = affine[:3, :3]
    if not np.isfinite(affine).all() or abs(np.linalg.det(linear)) < MIN_SPACING_MM**3:
        raise VolumeError(f"the affine is singular or not finite: {linear.tolist()}", _CONVERT_AGAIN)
    spacing = nib.affines.voxel_sizes(affine)
    if spacing.min() < MIN_SPACING_MM or spacing.max() > MAX_SPACING_MM:
        expected = f"{MIN_SPACING_MM} to {MAX_SPACING_MM} mm"
        raise VolumeError(f"voxel size {spacing.round(6).tolist()}, expected {expected}", "write the header in mm")
    if np.abs(affine[:3]).max() > MAX_PLACE_MM:
        reason = f"the first voxel lies at {affine[:3, 3].tolist()} mm, expected within {MAX_PLACE_MM:g} mm of 0"
        raise VolumeError(reason, _CONVERT_AGAIN)


def check_intensities(array: NDArray[np.float32]) -> None:
    """Refuses intensities of which no picture can be made.

    Raises:
        VolumeError: a voxel is NaN or infinite, or all have one value.
    """
    parts = largest_stride_first(array)
    places = blocks(len(parts), parts[:1].nbytes)
    broken = array.size - sum(int(np.isfinite(parts[place]).sum()) for place in places)
    if broken:
        raise VolumeError(f"{broken} of {array.size} voxels are NaN or infinite", "replace them, or leave the scan out")
    if array.min() == array.max():
        raise VolumeError(f"every voxel has the value {array.flat[0]:g}", "export the scan again")


def find_affine(image: nib.Nifti1Image, assume_axes: str | None) -> NDArray[np.float64]:
    """The voxel-to-world matrix of an image's header, [4, 4], mm, or one made of the axes that a user knows.

    Args:
        image: with its header; no voxel is read.
        assume_axes: axes as stored, such as `PSR`, for a header that has lost them; another header keeps its own.

    Raises:
        VolumeError: the orientation is lost and not given, singular, or contradicts itself.
    """
    lost = _find_lost_orientation(image)
    if not lost:
        affine: NDArray[np.float64] = image.affine.astype(np.float64)
        check_affine(affine)
        _check_spacing(image)
        _check_forms(image)
        return affine
    if assume_axes is None:
        raise VolumeError(lost, _ASSUME)
    assumed = axes_affine(image.shape, image.header.get_zooms(), assume_axes)
    check_affine(assumed)
    return assumed


def _find_lost_orientation(image: nib.Nifti1Image) -> str:
    """The reason for which the affine says nothing of the axes; empty where it does."""
    header, linear = image.header, image.affine[:3, :3]
    if not (header["sform_code"] or header["qform_code"]):
        return "the header has no orientation (sform_code and qform_code are 0)"
    spacing, zooms = _spacing(image)
    sizes = np.diag(linear)
    diagonal = np.abs(linear - np.diag(sizes)).max() < DIAGONAL_TOLERANCE * np.abs(sizes).min()
    if diagonal and not np.allclose(spacing, zooms, rtol=SPACING_TOLERANCE):
        return f"{_describe_contradiction(spacing, zooms)}, so its orientation was lost"
    return ""


def _check_spacing(image: nib.Nifti1Image) -> None:
    spacing, zooms = _spacing(image)
    if not np.allclose(spacing, zooms, rtol=SPACING_TOLERANCE):
        raise VolumeError(_describe_contradiction(spacing, zooms), _CONVERT_AGAIN)


def _spacing(image: nib.Nifti1Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    zooms = np.asarray(image.header.get_zooms()[:3], dtype=np.float64)
    return nib.affines.voxel_sizes(image.affine), zooms


def _describe_contradiction(spacing: NDArray[np.float64], zooms: NDArray[np.float64]) -> str:
    of_affine, of_header = spacing.round(4).tolist(), zooms.round(4).tolist()
    return f"the affine's voxel size {of_affine} mm contradicts the header's {of_header} mm"


def _check_forms(image: nib.Nifti1Image) -> None:
    """Refuses a header whose two matrices turn the head differently: nothing says which of them is right."""
    header = image.header
    if not (header["sform_code"] and header["qform_code"]):
        return
    try:
        qform = header.get_qform()
    except (ValueError, HeaderDataError) as error:
        raise VolumeError(f"the qform is invalid ({error})", _CONVERT_AGAIN) from error
    check_affine(qform)
    sform_axes, qform_axes = (matrix[:3, :3] / nib.affines.voxel_sizes(matrix) for matrix in (image.affine, qform))
    if (sform_axes * qform_axes).sum(axis=0).min() < MIN_AGREEMENT:
        codes = ["".join(nib.aff2axcodes(matrix)) for matrix in (image.affine, qform)]
        raise VolumeError(
            f"sform and qform contradict one another: axes {codes[0]} and {codes[1]}",
            "remove the false one, or convert the original images again",
        )
