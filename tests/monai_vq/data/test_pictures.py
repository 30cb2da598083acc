import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from monai_vq.data import VolumeError
from monai_vq.data.pictures import MAX_PICTURE_SIDE, convert_mode, fit_square, read_picture

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def blocks(*colours: tuple[int, ...]) -> np.ndarray:
    """16 x 16 pixels of each colour, side by side: JPEG keeps the middle of a block."""
    return np.concatenate([np.full((16, 16, len(colour)), colour, np.uint8) for colour in colours], axis=1)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_opaque_png_pixels_are_what_was_written(shape):
    pixels = noise(*shape)
    read = read_picture(encode(Image.fromarray(pixels)), "a.png")
    assert read.dtype == np.uint8
    assert np.array_equal(read, pixels)


@pytest.mark.parametrize(("mode", "channels"), [("LA", 1), ("RGBA", 3)])
def test_transparent_pixels_are_laid_over_black(mode, channels):
    layers = noise(6, 9, channels + 1)
    expected = np.rint(layers[..., :-1] * (layers[..., -1:] / 255)).squeeze()
    read = read_picture(encode(Image.fromarray(layers, mode)), "a.png")
    assert np.array_equal(read, expected)


@pytest.mark.parametrize(("pixels", "transparent"), [(noise(4, 4), 7), (noise(4, 4, 3), None)])
def test_the_one_transparent_colour_of_a_png_is_black(pixels, transparent):
    key = int(pixels[1, 2]) if transparent else tuple(int(value) for value in pixels[1, 2])
    read = read_picture(encode(Image.fromarray(pixels), transparency=key), "a.png")
    assert not read[1, 2].any()
    others = (pixels != pixels[1, 2]).reshape(4, 4, -1).any(axis=2)
    assert np.array_equal(read[others], pixels[others])


def test_a_palette_is_colour_unless_all_its_colours_are_grey():
    indices = noise(4, 4) % 4
    for palette, ndim in (([RED, GREEN, BLUE, WHITE], 3), ([BLACK, (85,) * 3, (170,) * 3, WHITE], 2)):
        image = Image.fromarray(indices, "P")
        image.putpalette(np.array(palette, np.uint8).tobytes())
        read = read_picture(encode(image), "a.png")
        assert read.ndim == ndim
        assert np.array_equal(convert_mode(read, "rgb"), np.array(palette, np.uint8)[indices])


def test_one_bit_becomes_black_and_white_and_sixteen_bits_become_eight():
    assert (
        read_picture(encode(Image.fromarray(noise(4, 4) > 99)), "a.png").tolist() == (255 * (noise(4, 4) > 99)).tolist()
    )
    wide = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    assert read_picture(encode(Image.fromarray(wide)), "a.png").tolist() == np.rint(wide / 257).tolist()


def test_grey_jpeg_stays_grey_and_colour_stays_colour():
    grey = read_picture(encode(Image.fromarray(blocks((200,))[..., 0]), "JPEG"), "a.jpg")
    colour = read_picture(encode(Image.fromarray(blocks(RED, BLUE)), "JPEG", quality=95), "a.jpg")
    assert grey.shape == (16, 16)
    np.testing.assert_allclose(grey, 200, atol=2)
    assert colour.shape == (16, 32, 3)
    np.testing.assert_allclose(colour[8, [8, 24]], [RED, BLUE], atol=6)


def cmyk_jpeg(components: np.ndarray, transform: int) -> bytes:
    """A JPEG of four components as given, with the Adobe marker that says whether they are CMYK (0) or YCCK (2)."""
    content = encode(Image.fromarray(255 - components, "CMYK"), "JPEG", quality=95)  # PIL inverts, as Adobe does
    marker = content.index(b"Adobe") + 11
    return content[:marker] + bytes([transform]) + content[marker + 1 :]


def test_cmyk_and_ycck_become_the_rgb_that_they_mean():
    """Adobe stores 255 - ink: red is no cyan, full magenta and yellow; the last block has half black over white."""
    ink = blocks((0, 255, 255, 0), (255, 0, 255, 0), (0, 0, 0, 255), (0, 0, 0, 128))
    read = read_picture(cmyk_jpeg(255 - ink, 0), "a.jpg")
    expected = [RED, GREEN, BLACK, (127, 127, 127)]
    np.testing.assert_allclose(read[8, 8::16], expected, atol=6)
    ycc = np.array(Image.fromarray(np.ascontiguousarray(ink[..., :3])).convert("YCbCr"))
    read = read_picture(cmyk_jpeg(np.concatenate([ycc, 255 - ink[..., 3:]], axis=2), 2), "a.jpg")
    np.testing.assert_allclose(read[8, 8::16], expected, atol=6)


UPRIGHT = {  # EXIF orientation: what turns the stored picture upright
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_are_turned_upright(kind, orientation):
    stored = np.kron([[250, 10, 60], [90, 130, 200]], np.ones((16, 16))).astype(np.uint8)  # 2 x 3 blocks
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = read_picture(encode(Image.fromarray(stored), kind, exif=exif), "a.jpg")
    np.testing.assert_allclose(read, UPRIGHT[orientation](stored).astype(float), atol=4)


@pytest.fixture
def png() -> bytes:
    """A PNG with text and a palette beside its pixels."""
    image = Image.fromarray(noise(12, 12) % 8, "P")
    image.putpalette(noise(8, 3).tobytes())
    return encode(image, dpi=(72, 72))


def test_every_flipped_byte_of_a_png_is_found(png):
    """PIL itself reads over the checksums of the pixels, and shows some of these pictures wrong."""
    rng, shown = np.random.default_rng(0), 0
    for position in rng.integers(0, len(png), 200):
        broken = bytearray(png)
        broken[position] ^= int(rng.integers(1, 256))
        with pytest.raises(VolumeError, match=r"a\.png"):
            read_picture(bytes(broken), "a.png")
        try:
            shown += np.array(Image.open(io.BytesIO(broken)).convert("RGB")).size > 0
        except (OSError, SyntaxError, ValueError):
            continue
    assert shown > 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_that_is_cut_off_is_refused_wherever_it_ends(kind):
    content = encode(Image.fromarray(noise(40, 40, 3)), kind)
    for length in np.random.default_rng(0).integers(0, len(content) - 4, 200):
        with pytest.raises(VolumeError, match=r"a\.pic (is|has)"):
            read_picture(content[:length], "a.pic")


# [content, message]
REFUSED = {
    "empty": (b"", "a is empty"),
    "web page": (b"<!DOCTYPE html><html>", "a is no PNG or JPEG but a web page"),
    "gif": (encode(Image.fromarray(noise(4, 4)), "GIF"), "a is no PNG or JPEG"),
    "bmp": (encode(Image.fromarray(noise(4, 4)), "BMP"), "a is no PNG or JPEG"),
    "animation": (
        encode(Image.fromarray(noise(4, 4)), save_all=True, append_images=[Image.fromarray(255 - noise(4, 4))]),
        "a is an animation",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused(case):
    content, message = REFUSED[case]
    with pytest.raises(VolumeError, match=message):
        read_picture(content, "a")


def test_the_size_is_checked_before_anything_is_allocated():
    content = bytearray(encode(Image.fromarray(noise(4, 4))))
    for width, height in ((MAX_PICTURE_SIDE + 1, 1), (10_000, 10_000), (0, 4), (2**31 - 1, 2**31 - 1)):
        content[16:24] = struct.pack(">II", width, height)
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
        with pytest.raises(VolumeError, match=r"a\.png (has|is damaged)"):
            read_picture(bytes(content), "a.png")


def test_modes_are_the_luma_and_three_equal_channels():
    colours = np.array([[RED, GREEN, BLUE, WHITE]], np.uint8)
    assert convert_mode(colours, "grey").tolist() == [[76, 150, 29, 255]]  # 0.299, 0.587, 0.114
    assert convert_mode(colours, "rgb") is colours
    grey = noise(3, 4)
    assert convert_mode(grey, "grey") is grey
    assert np.array_equal(convert_mode(grey, "rgb"), np.stack([grey] * 3, axis=2))


def test_the_central_square_is_kept_and_scaled_without_aliasing():
    wide = np.zeros((8, 20), np.uint8)
    wide[:, 6:14] = noise(8, 8)
    assert np.array_equal(fit_square(wide, 8), noise(8, 8))
    assert np.array_equal(fit_square(wide.T, 8), noise(8, 8).T)
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    np.testing.assert_allclose(fit_square(stripes, 16)[:, 2:-2], 127.5, atol=3)
    halves = np.concatenate([np.full((4, 2, 3), RED), np.full((4, 2, 3), BLUE)], axis=1).astype(np.uint8)
    assert fit_square(halves, 16).shape == (16, 16, 3)
    assert fit_square(halves, 16)[8, [0, -1]].tolist() == [list(RED), list(BLUE)]
