import pytest

from data_prep.sources.bids_names import find_name_problem, find_t1w_files

SUFFIX = r"does not end in _T1w.nii or _T1w.nii.gz"
FORMAT = "not NIfTI in one file"
# [names of the files in sub-01/anat, those that are meant as T1-weighted images, reason of the first]
FOLDERS = [
    [["sub-01_T1w.nii.gz", "sub-01_T1w.json", "sub-01_T2w.nii.gz"], ["sub-01_T1w.nii.gz"], None],
    [["sub-01_T1W.nii.gz", "sub-01_T1W.json"], ["sub-01_T1W.nii.gz"], SUFFIX],
    [["sub-01_T1w.NII.GZ"], ["sub-01_T1w.NII.GZ"], SUFFIX],
    [["sub-01_T1w_brain.nii.gz"], ["sub-01_T1w_brain.nii.gz"], SUFFIX],
    [["sub-01_T1w.img", "sub-01_T1w.hdr"], ["sub-01_T1w.img"], FORMAT],
    [["sub-01_T1w.img.gz", "sub-01_T1w.hdr.gz", "sub-01_T1w.JSON"], ["sub-01_T1w.img.gz"], FORMAT],
    [["sub-01_T1w.hdr"], ["sub-01_T1w.hdr"], FORMAT],
    [["sub-01_T1w.mgz"], ["sub-01_T1w.mgz"], FORMAT],
    [["sub-01_part-phase_T1w.nii.gz"], ["sub-01_part-phase_T1w.nii.gz"], "the phase part of a complex image"],
    [["sub-01_run-1_part-real_T1w.nii"], ["sub-01_run-1_part-real_T1w.nii"], "the real part"],
    [["sub-01_part-mag_T1w.nii.gz"], ["sub-01_part-mag_T1w.nii.gz"], None],
    [["sub-01_space-T1w_mask.nii.gz", "._sub-01_T1w.nii.gz", ".sub-01_T1w.img"], [], None],
]


@pytest.mark.parametrize(("names", "meant", "reason"), FOLDERS)
def test_every_image_that_is_meant_as_a_scan_is_taken_or_has_a_reason(tmp_path, names, meant, reason):
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in find_t1w_files(tmp_path)] == meant
    for name in meant:
        problem = find_name_problem(tmp_path / name, "sub-01", "")
        assert (problem is None) == (reason is None)
        if problem:
            assert reason in problem[0]
            assert problem[1]


def test_a_missing_folder_has_no_images(tmp_path):
    assert list(find_t1w_files(tmp_path / "anat")) == []
