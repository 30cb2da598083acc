import nibabel as nib
import numpy as np

from monai_vq.reconstruct.scan_files import RECORD_ENDING, ScanFiles


def test_all_files_of_a_scan_lie_together_under_its_name(tmp_path):
    files = ScanFiles(tmp_path, "sub-1")
    paths = [files.recon, files.error, files.codes, files.record]
    assert len({path.name for path in paths}) == 4
    assert all(path.parent == tmp_path and path.name.startswith("sub-1_") for path in paths)
    assert files.record.name == f"sub-1{RECORD_ENDING}"


def test_a_record_of_earlier_files_goes_before_they_do(tmp_path, write_head, through_model, identity_network):
    done, files = through_model(write_head(tmp_path / "head.nii.gz"))
    files.record.write_text("of what was here before")
    files.write(done, None, identity_network, "0" * 64)
    assert not files.record.exists()


def test_reconstruction_and_error_are_on_the_same_grid_and_add_up(tmp_path, write_head, through_model, make_network):
    done, files = through_model(write_head(tmp_path / "head.nii.gz", axes="LPI"), make_network("projected"))
    recon, error = nib.load(files.recon), nib.load(files.error)
    np.testing.assert_array_equal(recon.affine, error.affine)
    inside = np.asarray(error.dataobj) != 0
    assert inside.any()
    np.testing.assert_allclose(
        (np.asarray(recon.dataobj) - np.asarray(error.dataobj))[inside], done.original[inside], rtol=1e-4, atol=1e-2
    )
