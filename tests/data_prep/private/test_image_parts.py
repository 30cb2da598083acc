import io
import struct

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from data_prep.private.image_parts import split_jpeg, split_png

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)


def save(**options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, **options)
    return buffer.getvalue()


def texts(parts) -> bytes:
    return b" ".join(part.data for part in parts if not part.is_array)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("international", [False, True])
def test_png_texts_are_read_packed_or_not(packed, international):
    info = PngInfo()
    add = info.add_itxt if international else info.add_text
    add("Comment", "taken at the clinic", zip=packed)
    assert b"taken at the clinic" in texts(split_png(save(format="PNG", pnginfo=info)))


def test_png_pixels_are_one_array_and_what_follows_the_image_is_kept():
    parts = list(split_png(save(format="PNG") + b"appendix"))
    assert [part.is_array for part in parts] == [True, False]
    assert parts[1].data == b"appendix"


def test_jpeg_segments_and_comment_are_read_and_its_pixels_are_not():
    exif = Image.Exif()
    exif[0x010E] = "image description"
    data = save(format="JPEG", exif=exif.tobytes(), comment=b"a comment") + b"appendix"
    parts = list(split_jpeg(data))
    for text in (b"image description", b"a comment", b"appendix"):
        assert text in texts(parts)
    assert sum(len(part.data) for part in parts if part.is_array) > 0.5 * len(data)


@pytest.mark.parametrize(("split", "data"), [(split_png, save(format="PNG")), (split_jpeg, save(format="JPEG"))])
def test_a_cut_off_image_is_refused(split, data):
    with pytest.raises(struct.error):
        list(split(data[:18]))
