import pytest

from data_prep.sources.neurite_subjects import describe_missing, read_subjects
from monai_vq.errors import InputError


@pytest.mark.parametrize("form", ["OASIS_{}", "{}", "OASIS_{}/", "  OASIS_{} "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_order_is_kept_whatever_the_form_of_the_lines(tmp_path, form, line_end):
    sessions = ["OAS1_0001_MR1", "OAS1_0457_MR1", "OAS1_0009_MR1"]
    path = tmp_path / "subjects.txt"
    path.write_bytes((line_end.join(form.format(session) for session in sessions) + line_end * 2).encode())
    assert read_subjects(path) == sessions


# [content, message]
BAD = [
    ["", "subjects.txt names nobody"],
    ["OASIS_OAS1_0001_MR1\nOASIS_OAS1_0001_MR1\n", "names OAS1_0001_MR1 twice"],
    ["OASIS_OAS1_0001_MR1\n\nOASIS_OAS1_0002_MR1\n", "line 2: '', expected one as OASIS_OAS1_0001_MR1"],
    ["OASIS_OAS1_0001_MR1\nOAS2_0001_MR1\n", "line 2: 'OAS2_0001_MR1'"],
    ["\0\1\2", "line 1"],
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_list_that_would_shift_the_numbers_is_refused(tmp_path, content, message):
    (tmp_path / "subjects.txt").write_text(content)
    with pytest.raises(InputError, match=message):
        read_subjects(tmp_path / "subjects.txt")


def test_differences_are_counted_and_the_first_named():
    listed = [f"OAS1_{number:04d}_MR1" for number in range(1, 31)]
    (note,) = describe_missing(listed, listed[:5], "subjects.txt")
    assert note.startswith("25 of the 30 subjects of subjects.txt have no folder here: OAS1_0006_MR1, OAS1_0007_MR1")
    assert note.endswith("OAS1_0025_MR1, ...")
    assert not list(describe_missing(listed, listed, "subjects.txt"))
