"""A simulated patient: who it is, what its scans show and what is truly there."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from data_prep.phantom.anatomy import draw_anatomy
from data_prep.phantom.head import MARKER_CENTRE, paint_head
from data_prep.phantom.scanner import Pose, acquire, draw_pose, store, world_grid

__all__ = ["PhantomPatient", "marker_position", "phantom_labels", "phantom_scan"]

_ANATOMY, _SESSION = 1, 2  # streams of random numbers, apart so that a session draws the same head again


@dataclass(frozen=True)
class PhantomPatient:
    """One simulated patient; equal values give equal scans, whatever the rest of the cohort.

    Diagnosis, stored axes and the number of sessions cycle with the index, so that any 12 patients in a row are
    balanced; age and sex are drawn.

    Attributes:
        seed: of the cohort.
        index: of the patient in it, from 0.
        diagnosis: "CN" or "AD".
        age: years at the first session.
        sex: "F" or "M".
    """

    seed: int
    index: int
    diagnosis: str
    age: float
    sex: str

    @classmethod
    def draw(cls, seed: int, index: int) -> "PhantomPatient":
        """Draws the patient at a place of the cohort."""
        rng = np.random.default_rng([seed, index])
        age = round(rng.uniform(60, 88), 1)
        return cls(seed, index, ("CN", "AD")[index % 2], age, ("F", "M")[int(rng.integers(2))])

    @property
    def patient_id(self) -> str:
        """BIDS label, `sub-P001` for index 0."""
        return f"sub-P{self.index + 1:03d}"

    @property
    def axes(self) -> str:
        """Order in which this patient's scanner stores voxels."""
        return ("PSR", "LIA")[self.index // 2 % 2]

    @property
    def session_ages(self) -> dict[str, float]:
        """Age at each session, years; every third patient comes back two years later."""
        return {"ses-01": self.age, "ses-02": round(self.age + 2, 1)} if self.index % 3 == 0 else {"ses-01": self.age}

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator of this patient's own."""
        return np.random.default_rng([self.seed, self.index, *stream])


def phantom_scan(
    patient: PhantomPatient, session: str, voxel_size: float = 2.0
) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Scans a patient.

    Args:
        patient: who.
        session: a key of `patient.session_ages`.
        voxel_size: edge of the isotropic voxel, mm.

    Returns:
        The T1-weighted volume (int16) and the `Tissue` labels of its voxels (uint8), in the same stored order.
    """
    shape, affine = world_grid(voxel_size)
    pose, rng = _lie_down(patient, session)
    age = patient.session_ages[session]
    anatomy = draw_anatomy(patient.rng(_ANATOMY), age=age, diagnosis=patient.diagnosis, sex=patient.sex)
    voxels = np.indices(shape, dtype=np.float32).reshape(3, -1)
    to_world = affine.astype(np.float32)
    contrast, labels = paint_head(pose.to_head(to_world[:3, :3] @ voxels + to_world[:3, 3:]), anatomy)
    scan = acquire(contrast.reshape(shape), rng)
    return store(scan, affine, patient.axes), store(labels.reshape(shape), affine, patient.axes)


def phantom_labels(patient: PhantomPatient, session: str = "ses-01", voxel_size: float = 2.0) -> nib.Nifti1Image:
    """Returns the ground truth of a scan: an image of `Tissue` labels."""
    return phantom_scan(patient, session, voxel_size)[1]


def marker_position(patient: PhantomPatient, session: str = "ses-01") -> tuple[float, float, float]:
    """Returns the world coordinates (right, anterior, superior; mm) of the bright ball at the patient's left."""
    pose, _ = _lie_down(patient, session)
    x, y, z = pose.to_world(np.array(MARKER_CENTRE)[:, None])[:, 0]
    return float(x), float(y), float(z)


def _lie_down(patient: PhantomPatient, session: str) -> tuple[Pose, np.random.Generator]:
    """The session's pose, and its generator as the pose left it."""
    rng = patient.rng(_SESSION, list(patient.session_ages).index(session))
    return draw_pose(rng), rng
