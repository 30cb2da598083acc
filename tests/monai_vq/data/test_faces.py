from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, Tissue, phantom_scan
from monai_vq.data import foreground_mask, read_volume
from monai_vq.data.faces import LARGEST_BRAIN_ML, may_show_face

REAL_HEADS = Path(__file__).parents[4] / "shared/data/ixi_t1_2mm"
INSIDE_THE_SKULL = (Tissue.CSF, Tissue.GREY, Tissue.WHITE, Tissue.VENTRICLE)


def foreground_ml(array: np.ndarray, spacing: tuple[float, ...]) -> float:
    return float(foreground_mask(array.astype(np.float32), spacing).sum() * np.prod(spacing) / 1000)


@pytest.mark.parametrize("index", range(4))
def test_a_head_may_show_its_face_and_its_brain_alone_does_not(index):
    image, labels = phantom_scan(PhantomPatient.draw(0, index), "ses-01", 4.0)
    head, spacing = np.asarray(image.dataobj), nib.affines.voxel_sizes(image.affine)
    brain = np.where(np.isin(np.asarray(labels.dataobj), INSIDE_THE_SKULL), head, 0)
    assert may_show_face(foreground_ml(head, tuple(spacing)))
    assert not may_show_face(foreground_ml(brain, tuple(spacing)))


def test_the_largest_brain_does_not():
    assert not may_show_face(LARGEST_BRAIN_ML)


@pytest.mark.skipif(not REAL_HEADS.is_dir(), reason="needs the 2 mm IXI heads in ../shared/data")
def test_real_heads_may_show_their_faces():
    volumes = [read_volume(path) for path in sorted(REAL_HEADS.glob("sub-*/anat/*_T1w.nii.gz"))[:6]]
    assert [may_show_face(foreground_ml(one.array, one.spacing)) for one in volumes] == [True] * 6
