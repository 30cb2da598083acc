import re

from monai_vq.data.scan_names import name_scans


def test_names_are_unique_plain_and_keep_the_order_of_the_labels():
    labels = ["P1", "P1", "P1", "P1_2", "a/b", "a b", "患者", "...", "-_x", "Zoë", "P1 "]
    names = name_scans(labels)
    assert len(set(names)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", name) for name in names)
    assert names[:5] == ["P1", "P1_3", "P1_4", "P1_2", "a-b"]


def test_many_files_of_one_visit_are_numbered_through():
    assert name_scans(["P"] * 300)[-1] == "P_300"
