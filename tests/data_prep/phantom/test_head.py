import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, Tissue
from data_prep.phantom.scanner import world_grid

VOXEL_ML = 4.0**3 / 1000


@pytest.fixture(scope="module")
def labels(scan_ras) -> np.ndarray:
    return scan_ras(PhantomPatient.draw(0, 0))[1]


def test_tissue_volumes_are_those_of_a_person(labels):
    volume = {tissue: VOXEL_ML * np.count_nonzero(labels == tissue) for tissue in Tissue}
    assert 400 < volume[Tissue.GREY] < 850  # ml
    assert 300 < volume[Tissue.WHITE] < 650
    assert 5 < volume[Tissue.VENTRICLE] < 80
    assert volume[Tissue.GREY] > volume[Tissue.WHITE]


def test_cortex_is_folded(labels):
    """Within the brain, grey matter next to white is far longer than around a ball of as much white matter."""
    white, grey = labels == Tissue.WHITE, labels == Tissue.GREY
    faces = sum(np.count_nonzero(np.diff(np.int8(white) - np.int8(grey), axis=axis) == 2) for axis in range(3))
    ball_radius = (3 * np.count_nonzero(white) / (4 * np.pi)) ** (1 / 3)
    assert faces > 1.5 * 3 * np.pi * ball_radius**2  # faces in one direction: half of those of the voxelised ball


def test_contrast_orders_tissues_as_t1_does(scan_ras):
    scan, labels = scan_ras(PhantomPatient.draw(0, 1))
    mean = {tissue: scan[labels == tissue].mean() for tissue in Tissue}
    assert mean[Tissue.AIR] < mean[Tissue.BONE] < mean[Tissue.VENTRICLE] < mean[Tissue.GREY] < mean[Tissue.WHITE]


def test_left_ventricle_is_the_larger(scan_ras):
    """Petalia and ventricle sides, over patients, in the head's own left (x < 0)."""
    x = world_grid(4.0)[1][0, 3] + 4.0 * np.arange(48)
    left, right = 0, 0
    for index in range(6):
        ventricle = scan_ras(PhantomPatient.draw(0, index))[1] == Tissue.VENTRICLE
        left, right = left + np.count_nonzero(ventricle[x < -2]), right + np.count_nonzero(ventricle[x > 2])
    assert left > right


def test_right_frontal_and_left_occipital_lobes_protrude(scan_ras):
    right_front, left_back = [], []
    for index in range(4):
        brain = np.isin(scan_ras(PhantomPatient.draw(0, index))[1], (Tissue.GREY, Tissue.WHITE))
        y = np.arange(brain.shape[1])[:, None]
        left, right = brain[8:24], brain[24:40]
        centre = [(half.sum((0, 2))[:, None] * y).sum() / half.sum() for half in (left, right)]
        right_front.append(centre[1] - centre[0])
        left_back.append(centre[1] > centre[0])
    assert np.mean(right_front) > 0.25  # of a 4 mm voxel
    assert all(left_back)
