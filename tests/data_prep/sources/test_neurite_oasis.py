import shutil

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.layouts.neurite_oasis import marker_voxel, neurite_folder, write_neurite_oasis
from data_prep.phantom.patient import PhantomPatient
from data_prep.sources.neurite_oasis import find_neurite_oasis
from monai_vq.data import VolumeError, to_plane
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

PATIENTS = [PhantomPatient.draw(0, index) for index in range(8)]  # the eighth has the number 9, as OASIS-1 has no 8


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    root = tmp_path_factory.mktemp("neurite")
    write_neurite_oasis(root, PATIENTS, 8.0)
    return root


@pytest.fixture
def tree(tmp_path, download):
    """A download to be changed."""
    return shutil.copytree(download, tmp_path / "neurite")


@pytest.fixture(scope="module")
def learn2reg(tmp_path_factory):
    root = tmp_path_factory.mktemp("learn2reg")
    write_neurite_oasis(root, PATIENTS, 8.0, learn2reg=True)
    return root


@pytest.mark.parametrize("image", ["aligned_norm", "aligned_orig", "norm", "orig", "slice_norm", "slice_orig"])
def test_takes_the_chosen_image_of_each_subject_and_leaves_the_others(download, image):
    found = find_neurite_oasis(download, image=image)
    assert [scan.patient_id for scan in found.scans] == [f"OAS1_{number:04d}" for number in (1, 2, 3, 4, 5, 6, 7, 9)]
    assert found.scans[0].source == f"OASIS_OAS1_0001_MR1/{image}.nii.gz"
    assert (found.scans[0].session_id, found.scans[0].scan_id) == ("MR1", "OAS1_0001_MR1")
    assert len(found.left) == 5 * len(PATIENTS)
    assert not found.rejections
    assert found.skull_stripped == image.endswith("norm")
    assert any("people of OASIS-1 under their OASIS-1 numbers" in note for note in found.notes)
    assert sum("--table" in note for note in found.notes) == 1


def test_a_volume_is_read_with_its_labels_on_one_grid(download):
    for image, labels in (("aligned_norm", "seg4"), ("norm", "seg35")):
        scan = find_neurite_oasis(download, image=image, labels=labels).scans[0]
        volume, tissue = scan.read(scan.files), scan.read_labels(scan.labels)
        assert (volume.axes, tissue.axes) == ("LIA", "LIA")
        np.testing.assert_array_equal(volume.affine, tissue.affine)
        assert not volume.array[tissue.array == 0].any()  # a brain without its head
        assert (volume.array.min(), volume.array.max()) == (0, 1)


def test_labels_that_are_not_there_are_a_note_and_the_image_stays(tree):
    (tree / "OASIS_OAS1_0002_MR1/aligned_seg4.nii.gz").unlink()
    found = find_neurite_oasis(tree, labels="seg4")
    assert [bool(scan.labels) for scan in found.scans[:3]] == [True, False, True]
    assert "1 scan(s) have no labels seg4, first OAS1_0002_MR1" in found.notes


@pytest.mark.parametrize("index", [0, 1])
def test_the_marker_is_where_the_axial_convention_says(tmp_path, index):
    patient = PATIENTS[index]
    write_neurite_oasis(tmp_path, [patient], 4.0)
    (scan,) = find_neurite_oasis(tmp_path, image="aligned_orig").scans
    volume = scan.read(scan.files)
    i, j, k = marker_voxel(patient, nib.load(scan.path).affine)
    n_i, n_j, n_k = volume.array.shape
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    pixels = cut.slices[cut.slice_indices.index(n_j - 1 - j)]  # j runs downwards
    row, column = n_k - 1 - k, i  # anterior is up; i runs from the patient's right, which is the image's left
    assert column > 0.9 * n_i
    assert pixels[row, column] > 0.7 * 65535
    assert pixels[row, n_i - 1 - column] < 0.2 * 65535


@pytest.mark.parametrize("index", [0, 1])  # stored with one slice, and flat
def test_a_slice_is_the_coronal_slice_of_the_volume(tmp_path, index):
    patient = PATIENTS[index]
    write_neurite_oasis(tmp_path, [patient], 4.0)
    (scan,) = find_neurite_oasis(tmp_path, image="slice_orig", labels="seg4").scans
    stack = scan.read(scan.files)
    (whole,) = find_neurite_oasis(tmp_path, image="aligned_orig", labels="seg4").scans
    volume, tissue = whole.read(whole.files), whole.read_labels(whole.labels)
    i, j, k = marker_voxel(patient, volume.affine)
    expected = to_plane(volume.array, volume.affine, "coronal")[k]
    np.testing.assert_allclose(stack.slices[0] / 65535, expected, atol=1e-5)
    np.testing.assert_array_equal(stack.labels[0], to_plane(tissue.array, tissue.affine, "coronal")[k])
    assert stack.slices[0, j, i] > 0.6 * 65535  # row 0 is superior, column 0 the patient's right
    assert i > 0.9 * stack.slices.shape[2]
    assert (stack.plane, stack.slice_spacing, stack.slice_indices) == ("coronal", (4.0, 4.0), (109,))


def test_learn2reg_numbers_are_positions_in_the_list_of_subjects(learn2reg):
    found = find_neurite_oasis(learn2reg, labels="seg35")
    last = found.scans[-1]
    assert (last.source, last.patient_id, last.session_id) == ("img0008.nii.gz", "OAS1_0009", "MR1")
    assert last.scan_id == "OAS1_0009_MR1_img0008"
    assert last.labels[0].name == "seg0008.nii.gz"
    assert len(found.scans) == len(PATIENTS)
    assert last.read(last.files).axes == "LIA"


def test_learn2reg_without_the_list_is_refused(tmp_path, learn2reg):
    alone = tmp_path / "images"
    shutil.copytree(learn2reg, alone, ignore=shutil.ignore_patterns("subjects.txt"))
    with pytest.raises(InputError, match=r"img0001\.nii\.gz is a position in .*subjects\.txt.*--subjects"):
        find_neurite_oasis(alone)
    assert find_neurite_oasis(alone, subjects=learn2reg / "subjects.txt").scans[-1].patient_id == "OAS1_0009"


def test_learn2reg_numbers_beyond_the_list_are_rejected_and_other_images_are_not_offered(tmp_path, learn2reg):
    short = tmp_path / "subjects.txt"
    short.write_text("OASIS_OAS1_0001_MR1\nOASIS_OAS1_0002_MR1\n")
    found = find_neurite_oasis(learn2reg, subjects=short)
    assert [scan.scan_id for scan in found.scans] == ["OAS1_0001_MR1_img0001", "OAS1_0002_MR1_img0002"]
    assert [rejection.source for rejection in found.rejections] == [f"img{n:04d}.nii.gz" for n in range(3, 9)]
    assert "names 2 subjects, so nobody has the number 3" in found.rejections[0].reason
    with pytest.raises(InputError, match="no orig in 0 folder"):
        find_neurite_oasis(learn2reg, image="orig")


def test_the_list_is_compared_with_the_folders(tree):
    shutil.rmtree(tree / neurite_folder(PATIENTS[2]))
    (tree / neurite_folder(PATIENTS[4])).rename(tree / "OASIS_OAS1_0100_MR1")
    notes = find_neurite_oasis(tree).notes
    assert "2 of the 8 subjects of subjects.txt have no folder here: OAS1_0003_MR1, OAS1_0005_MR1" in notes
    assert "1 folders are not in subjects.txt, which lists 8 subjects: OAS1_0100_MR1" in notes


def test_a_second_copy_of_a_number_is_rejected(tmp_path, learn2reg):
    tree = shutil.copytree(learn2reg, tmp_path / "learn2reg")
    (tree / "img0003.nii").write_bytes(b"not opened")
    found = find_neurite_oasis(tree)
    assert [rejection.source for rejection in found.rejections] == ["img0003.nii"]
    assert len({scan.scan_id for scan in found.scans}) == len(found.scans) == len(PATIENTS)


def test_a_second_copy_of_an_image_is_rejected(tree):
    folder = tree / "OASIS_OAS1_0001_MR1"
    (folder / "aligned_norm.nii").write_bytes(b"not opened")
    shutil.copytree(tree / "OASIS_OAS1_0002_MR1", tree / "copy/OASIS_OAS1_0002_MR1")
    found = find_neurite_oasis(tree)
    assert len(found.scans) == len(PATIENTS)
    assert [rejection.source for rejection in found.rejections] == [
        "OASIS_OAS1_0001_MR1/aligned_norm.nii",
        "copy/OASIS_OAS1_0002_MR1/aligned_norm.nii.gz",
    ]


def test_the_table_of_oasis1_tells_who_they_are_and_blank_is_unknown(tree):
    (tree / "oasis_cross-sectional.csv").write_text(
        "ID,M/F,Hand,Age,Educ,SES,MMSE,CDR,eTIV,nWBV,ASF,Delay\n"
        "OAS1_0001_MR1,F,R,74,2,3,29,0,1344,0.743,1.306,N/A\n"
        "OAS1_0002_MR1,M,R,75,4,1,28,0.5,1147,0.810,1.531,N/A\n"
        "OAS1_0003_MR1,M,R,21,,,,,1516,0.830,1.160,N/A\n"
    )
    people = [scan.person for scan in find_neurite_oasis(tree).scans[:4]]
    assert [(person.diagnosis, person.age, person.sex) for person in people] == [
        ("CN", 74, "F"),
        ("AD", 75, "M"),
        ("", 21, "M"),
        ("", None, ""),
    ]


def test_a_header_that_lost_its_axes_is_refused(tree):
    path = tree / "OASIS_OAS1_0001_MR1/aligned_norm.nii.gz"
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), np.diag([8.0, 8, 8, 1])), path)
    scan = find_neurite_oasis(tree).scans[0]
    with pytest.raises(VolumeError, match="stored axes RAS, expected LIA"):
        scan.read(scan.files)


# [options, message]
BAD = [
    [{"image": "brain"}, "unknown image 'brain'; expected one of aligned_norm"],
    [{"labels": "seg24"}, "aligned_norm has no labels 'seg24'; expected one of seg4, seg35"],
    [{"image": "slice_norm", "labels": "seg35"}, "slice_norm has no labels 'seg35'; expected one of seg4, seg24"],
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_impossible_options_are_refused(download, options, message):
    with pytest.raises(InputError, match=message):
        find_neurite_oasis(download, **options)


def test_sources_of_another_kind_are_errors(tmp_path, download):
    with pytest.raises(InputError, match="no folder"):
        find_neurite_oasis(tmp_path / "none")
    with pytest.raises(InputError, match=r"no aligned_norm in 0 folder\(s\) OASIS_OAS1_nnnn_MR1"):
        find_neurite_oasis(tmp_path)
    with pytest.raises(InputError, match=r"no file .*subjects\.txt"):
        find_neurite_oasis(download, subjects=tmp_path / "none.txt")
