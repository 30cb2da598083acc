import argparse
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.sources.image_folder import IMAGE_FOLDER, find_image_folder
from monai_vq.errors import InputError

SIZE = 16


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels, mode).save(path, "PNG" if path.suffix.lower() == ".png" else "JPEG", **options)
    return path


def write_class(folder: Path, count: int, seed: int) -> None:
    for number in range(count):
        write(folder / f"{folder.name}_{number}.JPEG", noise(seed + number, 20, 24, 3))


@pytest.fixture
def tree(tmp_path) -> Path:
    """An ImageNet of two classes: 10 pictures each to train on, 4 each as val."""
    for index, (split, count) in enumerate((("train", 10), ("val", 4))):
        write_class(tmp_path / split / "n01440764", count, 1000 * index)
        write_class(tmp_path / split / "n02102040", count, 1000 * index + 500)
    (tmp_path / "LOC_synset_mapping.txt").write_text("n01440764 tench\nn02102040 springer\n")
    (tmp_path / "train/n01440764/._n01440764_0.JPEG").write_bytes(b"finder")
    (tmp_path / "train/n01440764/thumbs.gif").write_bytes(b"GIF89a")
    return tmp_path


def sizes_of(found) -> dict[str, int]:
    return {scan.scan_id: len(scan.read.keywords["indices"]) for scan in found.scans}


def test_imagenets_val_is_the_test_split_and_val_is_cut_from_train(tree):
    found = find_image_folder(tree, size=SIZE)
    assert sizes_of(found) == {
        "test-n01440764-000": 4,
        "test-n02102040-000": 4,
        "train-n01440764-000": 9,
        "train-n02102040-000": 9,
        "val-n01440764-000": 1,
        "val-n02102040-000": 1,
    }
    assert not found.rejections
    assert found.unit == "image"
    assert any("the pictures of val are the test split" in note for note in found.notes)
    assert {scan.person.diagnosis for scan in found.scans} == {"n01440764", "n02102040"}


def test_a_stack_holds_the_central_squares_of_its_files_in_their_order(tree):
    found = find_image_folder(tree, size=20)
    for scan in found.scans:
        stack = scan.read(scan.files)
        assert stack.slices.shape == (len(scan.files), 20, 20, 3)
        assert stack.mask.all()
        folder = sorted(
            path for path in scan.files[0].parent.iterdir() if path.suffix == ".JPEG" and path.name[0] != "."
        )
        for pixels, path, index in zip(stack.slices, scan.files, stack.slice_indices, strict=True):
            assert folder[index] == path
            assert np.array_equal(pixels, np.array(Image.open(path))[:, 2:22])
        assert scan.source == scan.files[0].relative_to(tree).as_posix()


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "testing")])
def test_three_splits_are_kept_as_they_are(tmp_path, names):
    for index, name in enumerate(names):
        write_class(tmp_path / name / "cat", 3, 100 * index)
    found = find_image_folder(tmp_path, size=SIZE)
    assert sizes_of(found) == {"test-cat-000": 3, "train-cat-000": 3, "val-cat-000": 3}
    assert [note.partition(":")[0] for note in found.notes] == ["JPEG has no checksums"]


def test_without_a_split_both_are_cut_from_each_class(tmp_path):
    write_class(tmp_path / "cat", 10, 0)
    write_class(tmp_path / "dog", 20, 100)
    found = find_image_folder(tmp_path, size=SIZE, val_fraction=0.2)
    assert sizes_of(found) == {
        "test-cat-000": 2,
        "test-dog-000": 4,
        "train-cat-000": 6,
        "train-dog-000": 12,
        "val-cat-000": 2,
        "val-dog-000": 4,
    }
    assert [note.split()[1] for note in found.notes[:-1]] == ["val", "test"]


def test_pictures_in_deeper_folders_and_beside_the_classes_are_found(tree):
    (tree / "test").mkdir()
    write(tree / "test/unknown.png", noise(7, 20, 20, 3))
    write(tree / "train/n01440764/images/more.png", noise(8, 20, 20, 3))
    sizes = sizes_of(find_image_folder(tree, size=SIZE))
    assert sizes["test-unlabelled-000"] == 1
    assert sizes["val-n01440764-000"] == 4
    assert sizes["train-n01440764-000"] == 11


FORMS = {  # a red picture as it may be stored
    "rgb.png": (np.full((20, 20, 3), (255, 0, 0), np.uint8), None, {}),
    "rgba.png": (np.full((20, 20, 4), (255, 0, 0, 255), np.uint8), "RGBA", {}),
    "cmyk.jpg": (np.full((20, 20, 4), (0, 255, 255, 0), np.uint8), "CMYK", {"quality": 95}),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_red_is_red_and_grey_is_its_luma(tree, name):
    pixels, mode, options = FORMS[name]
    path = write(tree / "train/red" / name, pixels, mode, **options)
    for own_mode, expected in (("rgb", (255, 0, 0)), ("grey", 76)):
        found = find_image_folder(tree, size=SIZE, mode=own_mode)
        (scan,) = [scan for scan in found.scans if path in scan.files]
        (picture,) = scan.read(scan.files).slices
        np.testing.assert_allclose(picture, np.broadcast_to(expected, picture.shape), atol=5)


def test_a_grey_picture_has_three_equal_channels_among_colour_ones(tree):
    write(tree / "train/grey/a.png", noise(3, SIZE, SIZE))
    (scan,) = [scan for scan in find_image_folder(tree, size=SIZE).scans if scan.person.diagnosis == "grey"]
    (picture,) = scan.read(scan.files).slices
    assert np.array_equal(picture, np.stack([noise(3, SIZE, SIZE)] * 3, axis=2))


def test_pictures_are_turned_as_their_exif_says(tree):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    halves = np.concatenate([np.zeros((32, 16)), np.full((32, 16), 255)], axis=1).astype(np.uint8)
    write(tree / "train/turned/a.jpg", halves, exif=exif, quality=95)
    (scan,) = [
        scan for scan in find_image_folder(tree, size=32, mode="grey").scans if scan.person.diagnosis == "turned"
    ]
    (picture,) = scan.read(scan.files).slices
    assert picture[:14].max() < 10
    assert picture[18:].min() > 245


def test_broken_pictures_are_rejected_one_by_one(tree):
    folder = tree / "train/n01440764"
    good = (folder / "n01440764_1.JPEG").read_bytes()
    (folder / "n01440764_2.JPEG").write_bytes(good[: len(good) // 2])
    (folder / "n01440764_3.JPEG").write_bytes(b"<html>not found</html>")
    (folder / "n01440764_4.JPEG").write_bytes(b"")
    (folder / "a.webp").write_bytes(b"RIFF")
    buffer = io.BytesIO()
    Image.fromarray(noise(1, 20, 20)).save(buffer, "PNG")
    (folder / "b.png").write_bytes(buffer.getvalue()[:60] + b"\0" + buffer.getvalue()[61:])
    found = find_image_folder(tree, size=SIZE)
    reasons = {rejection.source.rpartition("/")[2]: rejection.reason for rejection in found.rejections}
    assert "is damaged or cut off" in reasons["n01440764_2.JPEG"]
    assert "is no PNG or JPEG" in reasons["n01440764_3.JPEG"]
    assert "is empty" in reasons["n01440764_4.JPEG"]
    assert "pictures in the format .webp are not read" in reasons["a.webp"]
    assert "checksum" in reasons["b.png"]
    assert len(found.rejections) == 5
    assert sum(sizes_of(found).values()) == 28 - 3
    for scan in found.scans:
        scan.read(scan.files)


def test_a_train_picture_that_is_also_in_val_is_left_out(tree):
    copy = tree / "train/n02102040/other_name.JPEG"
    copy.write_bytes((tree / "val/n01440764/n01440764_2.JPEG").read_bytes())
    (rejection,) = find_image_folder(tree, size=SIZE).rejections
    assert rejection.source == "train/n02102040/other_name.JPEG"
    assert "the same pixels as val/n01440764/n01440764_2.JPEG of the test split" in rejection.reason


# [settings, message]
BAD_SETTINGS = [
    ({"size": 8}, "--size 8: expected 16 to 1024"),
    ({"mode": "cmyk"}, "--mode 'cmyk': expected one of rgb, grey"),
    ({"val_fraction": 2.0}, "--val_fraction 2"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS)
def test_settings_out_of_range_are_errors(tree, settings, message):
    with pytest.raises(InputError, match=message):
        find_image_folder(tree, **{"size": SIZE, **settings})


def test_other_folders_are_errors_with_a_remedy(tmp_path):
    for source in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="give the folder that holds train and val or test"):
            find_image_folder(source)
    (tmp_path / "val/cat").mkdir(parents=True)
    with pytest.raises(InputError, match="has val and no train folder"):
        find_image_folder(tmp_path)
    (tmp_path / "train/cat").mkdir(parents=True)
    (tmp_path / "train/cat/a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no picture .*1 were rejected, .*a\.png is empty"):
        find_image_folder(tmp_path)


def test_the_options_are_the_finders_keywords():
    parser = argparse.ArgumentParser()
    IMAGE_FOLDER.add_arguments(parser)
    options = vars(parser.parse_args(["--size", "64", "--mode", "grey"])) | {"seed": 0}
    assert set(options) == set(IMAGE_FOLDER.options)
    assert (options["size"], options["mode"]) == (64, "grey")
