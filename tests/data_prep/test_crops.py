from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from data_prep import crops
from data_prep.__main__ import main
from data_prep.crops import INSTRUMENTS, PICTURES, assign_pictures, cut, write_crops
from data_prep.sources.image_folder import find_image_folder
from monai_vq.data import read_manifest, read_splits
from monai_vq.errors import InputError

SIZE = 128


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_crops(tmp_path_factory.mktemp("crops") / "tree", size=SIZE).output_dir


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_crops_tile_a_picture_without_overlap():
    pixels = np.arange(70 * 101 * 3, dtype=np.uint32).reshape(70, 101, 3)
    tiles = cut(pixels, 32)
    assert sorted(tiles) == [(r, c) for r in (3, 35) for c in (2, 34, 66)]
    assert len({value for tile in tiles.values() for value in tile.flat}) == 6 * 32 * 32 * 3


def test_a_crop_is_the_part_of_the_picture_that_its_name_says(tree):
    picture = skimage.data.chelsea()
    (folder,) = tree.glob("*/chelsea")
    for path in folder.iterdir():
        row, column = map(int, path.stem.split("_")[1:])
        assert np.array_equal(read(path), picture[row : row + SIZE, column : column + SIZE])
    assert len(list(folder.iterdir())) == 2 * 3


def test_no_picture_is_in_two_splits_and_both_views_of_a_scene_are_one(tree):
    splits_of = {picture: [folder.parent.name for folder in tree.glob(f"*/{picture}")] for picture in PICTURES}
    assert splits_of == {picture: [split] for picture, split in assign_pictures(0).items()}
    (motorcycle,) = tree.glob("*/motorcycle")
    assert {path.name.split("_")[1] for path in motorcycle.iterdir()} == {"left", "right"}


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_holds_out_photographs(seed):
    splits = assign_pictures(seed)
    held_out = {picture for picture, split in splits.items() if split != "train"}
    assert not held_out & set(INSTRUMENTS)
    assert sorted(splits.values()) == ["test"] * 2 + ["train"] * 5 + ["val"]


def test_crops_that_show_nothing_are_left_out(tree):
    corner = read(next(tree.glob("train/retina/*"))).shape
    assert corner == (SIZE, SIZE, 3)
    assert min(np.ptp(read(path), axis=(0, 1)).max() for path in tree.rglob("*.png")) >= crops.MIN_RANGE
    assert np.ptp(skimage.data.retina()[:SIZE, :SIZE], axis=(0, 1)).max() < crops.MIN_RANGE
    assert len(list(tree.glob("train/retina/*"))) < 11 * 11


def test_equal_seeds_write_equal_files(tree, tmp_path):
    again = write_crops(tmp_path / "again", size=SIZE).output_dir
    contents = [{path.relative_to(root): path.read_bytes() for path in root.rglob("*.png")} for root in (tree, again)]
    assert contents[0] == contents[1]


def test_image_folder_keeps_the_split(tree):
    found = find_image_folder(tree, size=SIZE)
    assert not found.rejections
    assert {(scan.scan_id.split("-")[0], scan.person.diagnosis) for scan in found.scans} == {
        (split, picture) for picture, split in assign_pictures(0).items()
    }


def test_command_then_image_folder(tmp_path, capsys):
    assert main(["crops", "--output_dir", str(tmp_path / "crops"), "--size", "128", "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[:3]] == ["train", "val", "test"]
    command = printed.splitlines()[-1].removeprefix("python -m data_prep ").split()
    assert main(command) == 0
    out = tmp_path / "crops_prepared"
    assert read_splits(out).unit == "image"
    assert sum(len(record.slice_indices) for record in read_manifest(out)) == len(
        list((tmp_path / "crops").rglob("*.png"))
    )


def test_a_killed_run_leaves_no_tree(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(crops, "_write_file", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_crops(tmp_path / "tree", size=SIZE)
    assert not (tmp_path / "tree").exists()
    write_crops(tmp_path / "tree", size=SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_bad_input_is_an_error_with_a_remedy(tree, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="--size 8: expected 16 to 256"):
        write_crops(tmp_path / "tree", size=8)
    with pytest.raises(InputError, match="is not empty; choose another --output_dir"):
        write_crops(tree)
    monkeypatch.setitem(crops.PICTURES, "cat", ("cat.png",))
    with pytest.raises(InputError, match=r"does not ship cat.png; install the version"):
        write_crops(tmp_path / "tree")
