"""One scan in memory: read once, checked, with what the manifest says about its source."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from monai_vq.data.nifti import VolumeError, decode_nifti

__all__ = ["Volume", "read_volume"]

SPACING_TOLERANCE = 0.01  # relative; single precision and "scaled" headers stay below it, a lost affine does not
MIN_SPACING_MM, MAX_SPACING_MM = 0.05, 30.0  # outside, the header is in metres or micrometres


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

    def voxel_sha256(self) -> str:
        """Hash of the voxels alone, the same however the volume is oriented, compressed or named."""
        canonical = nib.as_closest_canonical(nib.Nifti1Image(self.array, self.affine))
        voxels = np.ascontiguousarray(canonical.dataobj)
        return hashlib.sha256(repr(voxels.shape).encode() + voxels.tobytes()).hexdigest()


def read_volume(path: Path) -> Volume:
    """Reads a `.nii` or `.nii.gz` file to its last byte and checks all that can silently go wrong.

    Raises:
        VolumeError: the file is damaged or of another format (see `decode_nifti`), has no usable orientation,
            holds NaN or infinite values, or is constant.
        OSError: the file cannot be opened.
    """
    content = path.read_bytes()
    image = decode_nifti(path.name, content)
    _check_affine(image)
    try:
        array = np.asarray(image.dataobj, dtype=np.float32)
    except HeaderDataError as error:
        raise VolumeError(f"the intensity scaling is invalid ({error})", "convert the original images again") from error
    array = array.reshape(array.shape[:3])
    _check_intensities(array)
    return Volume(array, image.affine.astype(np.float64), hashlib.sha256(content).hexdigest())


def _check_affine(image: nib.Nifti1Image) -> None:
    header, affine = image.header, image.affine
    remedy = "convert the original images again, or set a true sform"
    if not (header["sform_code"] or header["qform_code"]):
        raise VolumeError("the header has no orientation (sform_code and qform_code are 0)", remedy)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < MIN_SPACING_MM**3:
        raise VolumeError(f"the affine is singular or not finite: {affine[:3, :3].tolist()}", remedy)
    spacing, zooms = nib.affines.voxel_sizes(affine), np.asarray(header.get_zooms()[:3], dtype=np.float64)
    if not np.allclose(spacing, zooms, rtol=SPACING_TOLERANCE):
        raise VolumeError(
            f"the affine's voxel size {spacing.round(4).tolist()} mm contradicts the header's "
            f"{zooms.round(4).tolist()} mm, so its orientation was lost",
            remedy,
        )
    if spacing.min() < MIN_SPACING_MM or spacing.max() > MAX_SPACING_MM:
        expected = f"{MIN_SPACING_MM} to {MAX_SPACING_MM} mm"
        raise VolumeError(f"voxel size {spacing.round(6).tolist()}, expected {expected}", "write the header in mm")


def _check_intensities(array: NDArray[np.float32]) -> None:
    broken = array.size - int(np.isfinite(array).sum())
    if broken:
        raise VolumeError(f"{broken} of {array.size} voxels are NaN or infinite", "replace them, or leave the scan out")
    if array.min() == array.max():
        raise VolumeError(f"every voxel has the value {array.flat[0]:g}", "export the scan again")
