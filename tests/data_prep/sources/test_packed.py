import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources import packed
from data_prep.sources.packed import read_gzip, read_tar_members, shared_sha256
from monai_vq.data import VolumeError, files_sha256

CONTENT = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()


def write_tar(path: Path, *members: tuple[str, bytes | None]) -> Path:
    """Writes a `.tar.gz`; a member without content is a link to /etc/passwd."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def test_gzip_is_read_to_its_end(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT))
    assert read_gzip(path) == CONTENT


def test_members_that_are_wanted_are_read_and_nothing_is_written(tmp_path):
    path = write_tar(
        tmp_path / "a.tar.gz",
        ("../../evil", b"x"),
        ("/abs/evil", b"y"),
        ("d/link", None),
        ("d/a", CONTENT),
        ("./d/b", b"b"),
    )
    assert read_tar_members(path, ["d/a", "d/b", "d/c"]) == {"d/a": CONTENT, "d/b": b"b"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_wanted_link_and_a_member_that_is_there_twice_are_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar.gz", ("d/link", None), ("d/a", b"1"), ("d/a", b"2"))
    with pytest.raises(VolumeError, match="the member d/link is no plain file"):
        read_tar_members(path, ["d/link"])
    with pytest.raises(VolumeError, match="the member d/a is there twice"):
        read_tar_members(path, ["d/a"])


@pytest.fixture(params=["gzip", "tar"])
def read_broken(request, tmp_path):
    """Reads the content of a good file after its bytes were changed."""
    path = tmp_path / "a.gz"
    if request.param == "gzip":
        path.write_bytes(gzip.compress(CONTENT, mtime=0))
    else:
        write_tar(path, ("d/a", CONTENT), ("d/b", b"1"))
    good = path.read_bytes()

    def read(content: bytes) -> bytes:
        path.write_bytes(content)
        return read_gzip(path) if request.param == "gzip" else read_tar_members(path, ["d/a"]).get("d/a", b"")

    return good, read


def test_no_flipped_byte_gives_other_content(read_broken):
    good, read = read_broken
    rng, refused = np.random.default_rng(0), 0
    for position in rng.integers(0, len(good), 200):
        broken = bytearray(good)
        broken[position] ^= int(rng.integers(1, 256))
        try:
            assert read(bytes(broken)) == CONTENT  # bytes of the gzip header such as its date say nothing
        except VolumeError:
            refused += 1
    assert refused > 180


def test_a_file_that_is_cut_off_anywhere_is_refused(read_broken):
    good, read = read_broken
    for length in np.random.default_rng(0).integers(1, len(good), 200):
        with pytest.raises(VolumeError, match="damaged or cut off"):
            read(good[:length])


def test_a_bomb_is_refused_before_it_is_unpacked(read_broken, monkeypatch):
    good, read = read_broken
    monkeypatch.setattr(packed, "MAX_UNPACKED_BYTES", 2000)
    with pytest.raises(VolumeError, match="unpacks to more than 2000 bytes"):
        read(good)


def test_the_hash_of_shared_files_follows_their_content(tmp_path):
    paths = (tmp_path / "a", tmp_path / "b")
    for number, path in enumerate(paths):
        path.write_bytes(CONTENT[number:])
    first = shared_sha256(paths)
    assert first == shared_sha256(paths) == files_sha256(paths)
    paths[1].write_bytes(b"other")
    os.utime(paths[1], ns=(1, 1))
    assert shared_sha256(paths) == files_sha256(paths) != first
