import re

from monai_vq.data.scan_names import name_scans


def test_names_are_unique_plain_and_keep_the_order_of_the_labels():
    labels = ["P1", "P1", "P1", "P1_2", "a/b", "a b", "患者", "...", "-_x", "Zoë", "P1 "]
    names = name_scans(labels)
    assert len(set(names)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", name) for name in names)
    assert names[:5] == ["P1", "P1_3", "P1_4", "P1_2", "a-b"]


def test_names_stay_apart_on_disks_to_which_case_is_nothing():
    assert name_scans(["scan", "Scan", "SCAN_2", "sCaN"]) == ["scan", "Scan_3", "SCAN_2", "sCaN_4"]


def test_many_files_of_one_visit_are_numbered_through():
    assert name_scans(["P"] * 300)[-1] == "P_300"


def test_names_that_are_too_long_for_a_file_keep_their_end_and_stay_apart():
    long = "-".join(["folder" * 10] * 5)
    first, second, kept = name_scans([f"a-{long}-T1", f"b-{long}-T1", "x" * 150])
    assert first != second
    assert len(first) <= 150 >= len(second)
    assert first.endswith("-T1")
    assert kept == "x" * 150
