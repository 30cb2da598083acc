import base64
import gzip
import io
import zipfile

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from data_prep.private import unpack as unpack_module
from data_prep.private.content import Content
from data_prep.private.unpack import is_text, unpack

SECRET = b"the secret in it"


def to_bytes(write) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def png(text: str = "") -> bytes:
    info = PngInfo()
    info.add_text("Comment", text, zip=True)
    return to_bytes(lambda file: Image.new("L", (4, 4)).save(file, "PNG", pnginfo=info))


def readable(data: bytes, name: str = "") -> bytes:
    return b"|".join(part.data for part in unpack(Content("", data, name)) if not part.is_array)


def zipped(**members: bytes) -> bytes:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return to_bytes(write)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(SECRET),
        gzip.compress(b"first") + gzip.compress(SECRET),
        zipped(member=SECRET),
        zipped(member=gzip.compress(SECRET)),
        b"image: " + base64.b64encode(SECRET),
        b"x " + base64.urlsafe_b64encode(SECRET + b"\xc3\xbb\xc3\xbf"),
        b'<img src="data:image/png;base64,' + base64.b64encode(png(SECRET.decode())) + b'">',
        b"\x00\x01record" + png(SECRET.decode()) + b"\x02\x00",
        to_bytes(lambda file: np.save(file, np.array([SECRET.decode(), "other"]))),
        to_bytes(lambda file: np.save(file, np.zeros(3, [(SECRET.decode(), "f4")]))),
        to_bytes(lambda file: np.save(file, np.zeros(3))) + SECRET,
        to_bytes(lambda file: np.savez_compressed(file, a=np.array([SECRET.decode()]))),
        to_bytes(lambda file: torch.save({"note": SECRET.decode(), "weight": torch.zeros(9)}, file)),
    ],
)
def test_texts_are_found_however_they_are_packed(data):
    assert SECRET in readable(data)


def test_arrays_are_told_from_texts():
    weights = np.frombuffer(SECRET * 4, np.float32)
    for data in (
        to_bytes(lambda file: np.save(file, weights)),
        to_bytes(lambda file: torch.save({"weight": torch.from_numpy(weights.copy())}, file)),
        gzip.compress(nib.Nifti1Image(weights.reshape(16, 1, 1), np.eye(4)).to_bytes()),
    ):
        assert SECRET not in readable(data)
        assert any(SECRET in part.data for part in unpack(Content("", data)) if part.is_array)


def test_nifti_headers_are_read():
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
    image.header["descrip"] = SECRET
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"extension"))
    header = readable(image.to_bytes())
    assert SECRET in header
    assert b"extension" in header


def test_words_and_numbers_are_not_taken_for_base64():
    text = b"patients background_percentile 0.123456789 " + b"0123456789abcdef" * 4
    assert readable(text) == text


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"PK\x03\x04", b"\x93NUMPY", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_damaged_files_are_kept_as_they_are(magic):
    data = magic + b"\0" + SECRET
    assert SECRET in readable(data)


def test_a_bomb_is_told_and_not_unpacked(monkeypatch):
    monkeypatch.setattr(unpack_module, "MAX_UNPACKED", 1 << 20)
    for data in (gzip.compress(bytes(5 << 20)), zipped(bomb=bytes(5 << 20))):
        parts = list(unpack(Content("", data)))
        assert sum("more than 1 MiB" in part.problem for part in parts) == 1
        assert max(len(part.data) for part in parts) == 1 << 20


def test_endless_nesting_ends():
    data = SECRET
    for _ in range(50):
        data = gzip.compress(data)
    assert len(list(unpack(Content("", data)))) == 1


def test_text_is_told_from_bytes():
    assert is_text("Müller\n".encode("latin-1"))
    assert not is_text("Müller".encode("utf-16-le"))
