import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

from monai_vq.report.samples import SliceSet, score_samples

SLICES = 6  # a patient
GROUPS = ("AD", "CN")


def draw_slices(rng, number):
    """Slices of one "patient": a smooth pattern of its own in a disc, changing a little from slice to slice."""
    rows, columns = np.indices((32, 24))
    disc = ((rows - 16) / 14) ** 2 + ((columns - 12) / 10) ** 2 < 1
    own = gaussian_filter(rng.normal(size=(32, 24)), 1.5)
    images = [own + 0.3 * gaussian_filter(rng.normal(size=(32, 24)), 1.5) for _ in range(number)]
    images = [disc * (0.5 + 1.2 * image + 0.03 * rng.normal(size=(32, 24))) for image in images]
    return torch.from_numpy(np.clip(images, 0, 1)).float()[:, None]


def make_set(seed, patients, first=0):
    rng = np.random.default_rng(seed)
    rows = [
        {
            "patient_id": f"sub-{first + patient:02d}",
            "scan_id": f"sub-{first + patient:02d}_scan",
            "slice_index": 40 + number,
            "slice_position": number / (SLICES - 1),
            "diagnosis": GROUPS[patient % 2],
        }
        for patient in range(patients)
        for number in range(SLICES)
    ]
    return SliceSet(torch.cat([draw_slices(rng, SLICES) for _ in range(patients)]), pd.DataFrame(rows))


@pytest.fixture(scope="session")
def train():
    return make_set(0, 16)


@pytest.fixture(scope="session")
def heldout():
    return make_set(1, 6, first=50)


@pytest.fixture(scope="session")
def samples():
    """New "patients", so that nothing is memorised, with what they were conditioned on."""
    drawn = make_set(2, 6, first=90)
    return SliceSet(drawn.images, drawn.rows[["diagnosis", "slice_position"]])


@pytest.fixture(scope="session")
def copies(train):
    """A set of samples of which some are training slices."""
    return train.take(range(0, 90, 3))


@pytest.fixture(scope="session")
def scores(samples, train, heldout):
    return score_samples(samples, train, heldout, condition="diagnosis", reconstruct=lambda x: x * 0.9)
