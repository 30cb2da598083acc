from collections.abc import Callable
from functools import cache

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, phantom_scan

VOXEL_MM = 4.0


@pytest.fixture(scope="session")
def scan_ras() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Scans a patient at 4 mm: (scan, labels), float32 and uint8 in RAS order."""

    @cache
    def scan(patient: PhantomPatient, session: str = "ses-01") -> tuple[np.ndarray, np.ndarray]:
        images = [nib.as_closest_canonical(image) for image in phantom_scan(patient, session, VOXEL_MM)]
        return np.asarray(images[0].dataobj, np.float32), np.asarray(images[1].dataobj)

    return scan
