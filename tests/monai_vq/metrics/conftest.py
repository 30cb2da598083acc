import nibabel as nib
import numpy as np
import pytest
import torch

from data_prep.phantom.patient import PhantomPatient, phantom_scan

TRAIN, HELDOUT = range(12), range(12, 18)  # patients
LEVELS = range(18, 34, 2)  # axial slices of a volume with voxels of 4 mm: 8 from the eyes to above the ventricles


def phantom_slices(indices):
    """Slices [N, 1, 56, 48] in [0, 1] of simulated patients, and whose each is."""
    images, patients = [], []
    for index in indices:
        patient = PhantomPatient.draw(seed=0, index=index)
        scan = nib.as_closest_canonical(phantom_scan(patient, "ses-01", voxel_size=4.0)[0])
        volume = np.asarray(scan.dataobj, dtype=np.float32)
        volume = (volume / np.percentile(volume, 99.5)).clip(0, 1)
        for level in LEVELS:
            images.append(torch.from_numpy(volume[:, ::-1, level].T.copy())[None])
            patients.append(patient.patient_id)
    return torch.stack(images), np.array(patients)


@pytest.fixture(scope="session")
def train_slices():
    return phantom_slices(TRAIN)


@pytest.fixture(scope="session")
def heldout_slices():
    return phantom_slices(HELDOUT)
