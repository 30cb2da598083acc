from pathlib import Path

import pytest

from data_prep.sources.ad_nc_folders import find_root, parse_slice_name, read_folders


@pytest.fixture
def write_names(tmp_path):
    """Writes empty files below AD_NC; the folders are read without opening any."""

    def write(*names: str) -> Path:
        for name in names:
            path = tmp_path / "AD_NC" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return write


def test_slices_are_gathered_by_scan_in_numeric_order(write_names):
    root = write_names(
        "train/AD/218391_100.jpeg",
        "train/AD/218391_99.jpeg",
        "test/NC/1182968_7.JPG",
        "train/AD/._218391_98.jpeg",
        "train/AD/notes.txt",
    )
    scans, rejections = read_folders(find_root(root), root)
    assert [(scan.number, scan.diagnosis, scan.splits, list(scan.slices)) for scan in scans] == [
        (218391, "AD", ("train",), [99, 100]),
        (1182968, "NC", ("test",), [7]),
    ]
    assert [path.name for path in scans[0].files] == ["218391_99.jpeg", "218391_100.jpeg"]
    assert not rejections


# [files, place and reason of the one rejection]
REJECTED = [
    [["train/AD/1_7.jpeg", "test/NC/1_8.jpeg"], "AD_NC/train/AD/1_7.jpeg", "slices of one scan lie in AD and NC"],
    [
        ["train/AD/1_7.jpeg", "test/AD/1_7.jpeg"],
        "AD_NC/test/AD/1_7.jpeg",
        "there twice: AD_NC/test/AD/1_7.jpeg and AD_NC/train/AD/1_7.jpeg",
    ],
    [["train/AD/1_7.jpeg", "train/AD/1_07.jpeg"], "AD_NC/train/AD/1_07.jpeg", "slice 7 of the scan is there twice"],
    [["train/AD/case_1_7.jpeg"], "AD_NC/train/AD/case_1_7.jpeg", "not of the form <image>_<slice>.jpeg"],
]


@pytest.mark.parametrize(("names", "place", "reason"), REJECTED)
def test_doubtful_scans_are_rejected_and_others_kept(write_names, names, place, reason):
    root = write_names("train/NC/2_7.jpeg", *names)
    scans, (rejection,) = read_folders(find_root(root), root)
    assert [scan.number for scan in scans] == [2]
    assert rejection.source == place
    assert reason in rejection.reason


def test_a_scan_may_lie_on_both_sides(write_names):
    root = write_names("train/AD/1_8.jpeg", "test/AD/1_7.jpeg")
    (scan,), _ = read_folders(find_root(root), root)
    assert (scan.splits, list(scan.slices)) == (("train", "test"), [7, 8])


@pytest.mark.parametrize(
    "name", ["1_2_3.jpeg", "1_.jpeg", "1_2.png", "1_2.jpeg.part", "٣_2.jpeg", f"{'1' * 10}_2.jpeg"]
)
def test_other_names(name):
    assert parse_slice_name(name) is None


def test_the_root_is_found_below(tmp_path):
    assert find_root(tmp_path) is None
    (tmp_path / "ADNI/AD_NC/test/NC").mkdir(parents=True)
    assert find_root(tmp_path) == tmp_path / "ADNI/AD_NC"
    assert find_root(tmp_path / "ADNI/AD_NC") == tmp_path / "ADNI/AD_NC"
