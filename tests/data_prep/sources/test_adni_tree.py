from datetime import date
from pathlib import Path

import pytest

from data_prep.sources.adni_names import Series, hide_times
from data_prep.sources.adni_tree import read_tree

DAY = "2006-11-02_08_16_44.0"
NAME = "ADNI_002_S_0295_MR_MP-RAGE_br_raw_20070219173850420_{}S21856_I40966"


@pytest.fixture
def write_files(tmp_path):
    """Writes empty files below a patient's folder; the tree is read without opening any."""

    def write(*names: str, folder: str = f"ADNI/002_S_0295/MP-RAGE/{DAY}/I40966") -> Path:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            (tmp_path / folder / name).touch()
        return tmp_path

    return write


def test_an_image_is_one_volume_or_all_slices(write_files):
    write_files(*(NAME.format(f"{number}_") + ".dcm" for number in (1, 10, 2)))
    root = write_files(
        NAME.format("").replace("0295", "0296") + ".nii",
        "._x.nii",
        folder=f"part2/ADNI/002_S_0296/MP-RAGE/{DAY}/S21856",
    )
    tree = read_tree(root)
    series, volume = tree.images
    assert (series.source, len(series.files)) == ("ADNI/002_S_0295/MP-RAGE/*/I40966", 3)
    assert (series.label, series.acquired, series.series) == ("I40966", date(2006, 11, 2), Series("original"))
    assert volume.source.endswith("S21856/ADNI_002_S_0296_MR_MP-RAGE_br_raw_*_S21856_I40966.nii")
    assert (volume.patient_id, volume.label, len(volume.files)) == ("002_S_0296", "I40966", 1)
    assert not tree.rejections
    assert not tree.left


def test_a_series_folder_of_an_old_download_may_hold_two_images(write_files):
    first, second = NAME.format("1_"), NAME.format("1_").replace("I40966", "I40967")
    root = write_files(f"{first}.dcm", f"{second}.dcm", folder=f"002_S_0295/MP-RAGE/{DAY}/S21856")
    images = read_tree(root).images
    assert [image.label for image in images] == ["I40966", "I40967"]
    assert [Path(image.source).name for image in images] == [hide_times(f"{first}.dcm"), hide_times(f"{second}.dcm")]


def test_a_converted_file_is_named_by_its_series(write_files):
    (image,) = read_tree(write_files("a.nii.gz", folder=f"002_S_0295/MP-RAGE/{DAY}/S21856")).images
    assert image.label == "S21856"


# [files of the folder I40966, the one left, why]
TWICE = [
    [["x.nii", "x.nii.gz"], "x.nii", "x.nii.gz is the same image and is taken, as its checksum can be tested"],
    [["x.nii", "1.dcm", "2.dcm"], "x.nii", "the DICOM files beside it are the same image and are taken"],
]


@pytest.mark.parametrize(("names", "left", "reason"), TWICE)
def test_a_second_copy_is_left(write_files, names, left, reason):
    tree = read_tree(write_files(*names))
    assert [(Path(one.source).name, one.reason) for one in tree.left] == [(left, reason)]
    (image,) = tree.images
    assert sorted(path.name for path in image.files) == sorted(set(names) - {left})


# [files, folder below the patient, place and reason of the one rejection]
REJECTED = [
    [[], f"MP-RAGE/{DAY}/I40966", f"MP-RAGE/{DAY}/I40966", "no image is in the folder"],
    [["meta.xml"], f"MP-RAGE/{DAY}/I40966", f"MP-RAGE/{DAY}/I40966", "no image is in the folder"],
    [[], f"MP-RAGE/{DAY}", f"MP-RAGE/{DAY}", "no folder of an image, such as I40966, is in it"],
    [[], "MP-RAGE", "MP-RAGE", "the series is empty"],
    [["x.nii"], "MP-RAGE/2006-02-31_08_16_44.0/I40966", "MP-RAGE/2006-02-31_08_16_44.0", "is no time of a scan"],
    [["x_a.nii", "x_b.nii"], f"MP-RAGE/{DAY}/I40966", f"MP-RAGE/{DAY}/I40966/x_a.nii", "2 volumes of one image"],
    [[NAME.format("") + ".nii"], f"MP-RAGE/{DAY}/I7", f"MP-RAGE/{DAY}/I7/{NAME.format('')}.nii", "its folder I7"],
]


@pytest.mark.parametrize(("names", "folder", "place", "reason"), REJECTED)
def test_what_cannot_be_used_is_rejected_once(write_files, names, folder, place, reason):
    tree = read_tree(write_files(*names, folder=f"ADNI/002_S_0295/{folder}"))
    (rejection,) = tree.rejections
    assert rejection.source == hide_times(f"ADNI/002_S_0295/{place}")
    assert reason in rejection.reason
    assert rejection.remedy
    assert not tree.images


def test_other_series_are_left_and_changed_ids_rejected(write_files):
    write_files("x.dcm", folder=f"ADNI/002_S_0295/Double_TSE/{DAY}/I1")
    tree = read_tree(write_files("x.nii", folder=f"ADNI/002_S_295/MP-RAGE/{DAY}/I2"))
    assert [one.source for one in tree.left] == ["ADNI/002_S_0295/Double_TSE"]
    assert [str(one) for one in tree.rejections] == [
        "ADNI/002_S_295: '002_S_295' is no PTID, such as 002_S_0295; give the folder its name back"
    ]
