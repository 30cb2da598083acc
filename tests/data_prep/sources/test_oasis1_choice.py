import pytest

from data_prep.sources.oasis1_choice import advise, choose_folder, choose_image, choose_segmentation, list_others
from data_prep.sources.oasis1_images import find_images
from data_prep.sources.scan import Found

NAME = "OAS1_0031_MR1"
T88 = "PROCESSED/MPRAGE/T88_111"


@pytest.fixture
def make(tmp_path):
    """Makes the empty files of a session and returns its folder and its images."""

    def write(*stems, lacking=()):
        folder = tmp_path / NAME
        for stem in stems:
            path = folder / f"{stem.rpartition('/')[0]}/{NAME}_{stem.rpartition('/')[2]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            for suffix in (".hdr", ".img"):
                if f"{stem}{suffix}" not in lacking:
                    path.with_name(path.name + suffix).touch()
        return folder, list(find_images(folder))

    return write


@pytest.fixture
def found():
    return Found("")


def test_the_first_whole_acquisition_is_taken_and_the_others_listed(make, found, tmp_path):
    stems = [f"RAW/mpr-{number}_anon" for number in (3, 1, 2)]
    folder, images = make(*stems, lacking=["RAW/mpr-1_anon.img"])
    taken = choose_image(images, folder, tmp_path, "raw", found)
    list_others(images, (taken, None), tmp_path, found)
    assert taken.number == 2
    assert [(one.source, one.reason) for one in found.rejections] == [
        (f"{NAME}/RAW/{NAME}_mpr-1_anon", f"{NAME}_mpr-1_anon.img is missing")
    ]
    (left,) = found.left
    assert left.source == f"{NAME}/RAW/{NAME}_mpr-3_anon"
    assert f"of which {NAME}_mpr-2_anon is taken" in left.reason


def test_of_averages_that_of_most_acquisitions_is_taken_with_its_labels(make, found, tmp_path):
    stems = [f"{T88}/mpr_n{number}_anon_111_t88_masked_gfc" for number in (3, 4)]
    labels = [f"FSL_SEG/mpr_n{number}_anon_111_t88_masked_gfc_fseg" for number in (3, 4)]
    folder, images = make(*stems, *labels)
    taken = choose_image(images, folder, tmp_path, "masked_t88", found)
    assert taken.number == 4
    assert choose_segmentation(images, taken).number == 4


def test_another_whole_image_of_the_session_is_named_the_same_kind_first(make, found, tmp_path):
    folder, images = make(*(f"RAW/mpr-{number}_anon" for number in (1, 2, 3)), lacking=["RAW/mpr-2_anon.img"])
    taken = choose_image(images, folder, tmp_path, "raw", found)
    assert advise(images, taken).startswith(f"{NAME}_mpr-3_anon is there too: move the damaged pair out")
    folder, images = make(f"{T88}/mpr_n4_anon_111_t88_masked_gfc", lacking=["RAW/mpr-1_anon.hdr"])
    taken = choose_image(images, folder, tmp_path, "masked_t88", found)
    assert advise(images, taken).startswith(f"{NAME}_mpr-1_anon is there too: --image raw takes such images")
    assert advise([taken], taken) == ""


def test_labels_of_another_average_are_not_taken(make, found, tmp_path):
    folder, images = make(f"{T88}/mpr_n4_anon_111_t88_gfc", "FSL_SEG/mpr_n3_anon_111_t88_masked_gfc_fseg")
    assert choose_segmentation(images, choose_image(images, folder, tmp_path, "t88", found)) is None


def test_a_session_without_the_wanted_image_is_rejected_and_what_it_has_is_left(make, found, tmp_path):
    folder, images = make("RAW/mpr-1_anon", f"{T88}/mpr_n4_anon_111_t88_gfc", f"{T88}/mpr_n4_anon_copy")
    taken = choose_image(images, folder, tmp_path, "masked_t88", found)
    list_others(images, (taken, None), tmp_path, found)
    assert taken is None
    assert [one.source for one in found.rejections] == [NAME, f"{NAME}/{T88}/{NAME}_mpr_n4_anon_copy"]
    assert found.rejections[0].reason == f"no masked_t88 image (brain alone, in atlas space) in {T88}"
    assert [one.remedy for one in found.left] == ["--image t88 takes such images", "--image raw takes such images"]


def test_a_copy_of_a_session_is_rejected_and_freesurfer_s_folder_left(tmp_path, found):
    folders = [tmp_path / disc / NAME for disc in ("disc1", "disc2", "fs_disc1")]
    for folder, inner in zip(folders, ("RAW", "PROCESSED", "mri"), strict=True):
        (folder / inner).mkdir(parents=True)
    assert choose_folder(folders, tmp_path, found) == folders[0]
    assert [(one.source, one.reason) for one in found.rejections] == [
        (f"disc2/{NAME}", f"the session is also in disc1/{NAME}, which is taken")
    ]
    assert [one.source for one in found.left] == [f"fs_disc1/{NAME}"]


def test_freesurfer_alone_is_rejected(tmp_path, found):
    (tmp_path / NAME / "mri").mkdir(parents=True)
    assert choose_folder([tmp_path / NAME], tmp_path, found) is None
    assert "FreeSurfer" in found.rejections[0].reason
