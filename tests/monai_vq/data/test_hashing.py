import hashlib
import os

from monai_vq.data import file_sha256, files_sha256


def test_one_file_is_hashed_as_sha256sum_does(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == files_sha256([tmp_path / "a"]) == hashlib.sha256(b"abc").hexdigest()


def test_several_files_depend_on_content_and_order_but_not_on_names(tmp_path):
    for name, content in {"a": b"1", "b": b"2", "c": b"1"}.items():
        (tmp_path / name).write_bytes(content)
    forward = files_sha256([tmp_path / "a", tmp_path / "b"])
    assert forward == files_sha256([tmp_path / "c", tmp_path / "b"])
    assert forward != files_sha256([tmp_path / "b", tmp_path / "a"])
    assert forward != files_sha256([tmp_path / "a"])


def test_a_file_that_was_written_again_is_read_again(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    first = files_sha256([path])
    path.write_bytes(b"2")
    os.utime(path, ns=(0, 12345))
    assert files_sha256([path]) != first
