import pytest

from monai_vq.data.dicom.derived_folder import IMAGE_NAME, whole_folder
from monai_vq.errors import InputError


def write(folder, *numbers, fault=None):
    with whole_folder(folder) as part:
        for number in numbers:
            (part / IMAGE_NAME.format(number)).write_text(f"{number} of {len(numbers)}")
        if fault:
            raise fault


def test_an_earlier_series_gives_way_as_a_whole(tmp_path):
    write(tmp_path / "out", 1, 2, 3)
    (tmp_path / ".out.part").mkdir()  # of a run that was killed
    (tmp_path / ".out.part" / "IM00009.dcm").touch()
    write(tmp_path / "out", 1)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "IM00001.dcm"]


def test_an_earlier_series_stays_where_the_new_one_fails(tmp_path):
    write(tmp_path / "out", 1, 2)
    for folder in ("out", "new"):
        with pytest.raises(OSError, match="full"):
            write(tmp_path / folder, 1, 2, 3, fault=OSError("full"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert (tmp_path / "out/IM00001.dcm").read_text() == "1 of 2"


@pytest.mark.parametrize("name", ["out/notes.txt", "out"])
def test_anything_else_does_not_give_way(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(InputError, match="something else than a derived series"):
        write(tmp_path / "out", 1)
    assert (tmp_path / name).is_file()
