import nibabel as nib
import numpy as np
import pytest


def test_the_error_is_what_was_written_and_its_mean_is_over_covered_voxels(
    tmp_path, write_head, through_model, make_network
):
    done, files = through_model(write_head(tmp_path / "head.nii.gz", axes="PSR"), make_network("vector"))
    written = np.asarray(nib.load(files.error).dataobj)
    np.testing.assert_array_equal(done.error, written)
    inside = np.zeros(done.shape, bool)
    done.latent.placement.in_plane(inside)[list(done.latent.placement.slice_indices)] = True
    assert done.mean_absolute_error == pytest.approx(np.abs(done.recon - done.original)[inside].mean(), rel=1e-5)
    assert not written[~inside].any()
    np.testing.assert_array_equal(done.affine, nib.load(files.error).affine)
