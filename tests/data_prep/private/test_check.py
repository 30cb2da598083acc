import base64
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch.utils.tensorboard import SummaryWriter

from data_prep.private.check import check_private
from monai_vq.errors import InputError

TERM = "ZZPHI"
NOISE = np.random.default_rng(0).integers(0, 65536, (8, 64, 64), dtype=np.uint16)


def jpeg(description: str = "") -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x010E] = description
    Image.fromarray((NOISE[0] >> 8).astype(np.uint8)).save(buffer, "JPEG", exif=exif.tobytes())
    return buffer.getvalue()


def write_png(path: Path, text: str, packed: bool = False) -> None:
    info = PngInfo()
    info.add_text("Comment", text, zip=packed)
    Image.new("L", (4, 4)).save(path, "PNG", pnginfo=info)


def write_events(folder: Path, text: str) -> None:
    with SummaryWriter(str(folder)) as writer:
        writer.add_text("note", text)
        writer.add_image("slice", NOISE[:3] >> 8, dataformats="CHW")
        writer.add_histogram("weights", NOISE.astype(np.float32))


def page(text: str) -> str:
    return f'<p>{text}</p><img src="data:image/jpeg;base64,{base64.b64encode(jpeg(text)).decode()}">'


SEEDS: dict[str, Callable[[Path], object]] = {
    "cell.csv": lambda path: path.write_text(f"patient_id,age\n{TERM},60\n"),
    "header.csv": lambda path: path.write_text(f"patient_id,{TERM}\na,60\n"),
    "value.json": lambda path: path.write_text(json.dumps({"a": [{"b": f"x{TERM}x"}]})),
    "key.json": lambda path: path.write_text(json.dumps({"a": {TERM: 1}})),
    "exif.jpg": lambda path: path.write_bytes(jpeg(TERM)),
    "text.png": lambda path: write_png(path, TERM),
    "packed.png": lambda path: write_png(path, TERM, packed=True),
    "page.html": lambda path: path.write_text(page(TERM)),
    "image_in_page.html": lambda path: path.write_text(page(TERM).partition("</p>")[2]),
    "field.npy": lambda path: np.save(path, np.zeros(2, [(TERM, "f4")])),
    "values.npy": lambda path: np.save(path, np.array([TERM, "b"])),
    "voxels.npy": lambda path: path.write_bytes(path_bytes(NOISE) + TERM.encode()),
    "events": lambda path: write_events(path, TERM),
    "weights.pt": lambda path: torch.save({TERM: torch.zeros(3)}, path),
    "run.log": lambda path: path.write_text(f"2026-11-21 02:31:18 reading {TERM}\n"),
    "two_bytes.txt": lambda path: path.write_text(f"reading {TERM}", encoding="utf-16"),
    "base64.txt": lambda path: path.write_bytes(b"id: " + base64.b64encode(f"{TERM} was here".encode())),
    "shifted.txt": lambda path: path.write_bytes(b"id" + base64.b64encode(TERM.encode())),
    "lower.txt": lambda path: path.write_text(TERM.lower()),
    "packed.csv.gz": lambda path: path.write_bytes(gzip.compress(TERM.encode())),
    f"{TERM}.npy": lambda path: np.save(path, np.zeros(2)),
    "unknown.bin": lambda path: path.write_bytes(NOISE.tobytes() + TERM.encode() + NOISE.tobytes()),
}


def path_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """What a preparation and a training write, with nothing private in it."""
    (tmp_path / "slices").mkdir()
    np.save(tmp_path / "slices/sub-P01.npy", NOISE)
    (tmp_path / "manifest.csv").write_text(
        "patient_id,age,source,sha256,window_high,slice_indices\n"
        f"sub-P01,89.0,sub-P01/anat/sub-P01_T1w.nii.gz,{'0f' * 32},1944.1173095703125,20 21 22\n"
    )
    (tmp_path / "splits.json").write_text(json.dumps({"splits": {"train": ["sub-P01"]}, "sha256": "0f" * 32}))
    body = {"date": "2026-11-21T02:31:18+00:00", "command": "python -m data_prep bids --source study"}
    (tmp_path / "provenance.json").write_text(json.dumps(body))
    (tmp_path / "index.html").write_text(page("89 years"))
    (tmp_path / "run.log").write_text("2026-11-21 02:31:18 epoch 1\n")
    torch.save({"weight": torch.from_numpy(NOISE.astype(np.float32)), "epoch": 3}, tmp_path / "last.pt")
    write_events(tmp_path / "tensorboard", "epoch 1")
    return tmp_path


def test_a_clean_folder_has_no_findings(clean):
    assert check_private(clean, terms=[TERM]) == []


@pytest.mark.parametrize("name", SEEDS)
def test_a_term_is_found_wherever_it_hides_and_is_not_told_again(clean, name):
    SEEDS[name](clean / name)
    lines = check_private(clean, terms=[TERM])
    assert lines
    shown = name.replace(TERM, "…(5 characters)")
    assert all(line.startswith(shown) and "private term" in line for line in lines)
    assert TERM not in "".join(lines).upper()


def test_damaged_files_are_searched_all_the_same(clean):
    """The term is found in each damaged copy, or the damage lies within it."""
    rng = np.random.default_rng(0)
    folder = clean / "damaged"
    folder.mkdir()
    for name in ("cell.csv", "value.json", "exif.jpg", "text.png", "voxels.npy", "weights.pt", "page.html"):
        SEEDS[name](clean / name)
        content = bytearray((clean / name).read_bytes())
        where = content.find(TERM.encode())
        for number in range(10):
            damaged = content.copy()
            position = int(rng.integers(len(content)))
            position += 8 * (where - 4 <= position < where + 8)
            damaged[position % len(content)] ^= int(rng.integers(1, 256))
            (folder / f"{number}_{name}").write_bytes(damaged)
    found = {line.partition(":")[0] for line in check_private(clean, terms=[TERM]) if "private term" in line}
    assert len([name for name in found if name.startswith("damaged/")]) == 70


def test_a_finding_is_one_line_of_file_place_kind_and_remedy(clean):
    (clean / "config.json").write_text(json.dumps({"dataset_dir": "/home/jane/data"}))
    (line,) = check_private(clean)
    assert line == (
        "config.json: dataset_dir: absolute path /h…(15 characters); "
        "give folders relative to the working directory, and take the path out of this file"
    )


def test_only_the_date_of_the_run_itself_is_no_finding(clean):
    body = json.loads((clean / "provenance.json").read_text())
    (clean / "provenance.json").write_text(json.dumps(body | {"acquired": "2006-11-02"}))
    (clean / "other.json").write_text(json.dumps({"date": "2006-11-02"}))
    lines = check_private(clean)
    assert [line.split(": ")[:2] for line in lines] == [["other.json", "date"], ["provenance.json", "acquired"]]


def test_an_old_age_is_found_in_manifest_and_page(clean):
    (clean / "manifest.csv").write_text("patient_id,age\nsub-P01,93.5\n")
    (clean / "index.html").write_text(page("93.5 years"))
    assert [line.split(": ")[:2] for line in check_private(clean)] == [
        ["index.html", "line 1 and 1 more"],  # and the description of its image
        ["manifest.csv", "row 1, column age"],
    ]


def test_a_name_in_the_name_of_a_file_or_column_is_not_told(clean):
    (clean / "Doe^Jane.csv").write_text("Doe^Jane,b\n1,19450508\n")
    lines = check_private(clean)
    assert [line.split(": ")[1] for line in lines] == ["name of the file and 1 more", "row 1, column b"]
    assert "Jane" not in "".join(lines)


def test_original_ids_are_found_by_the_key_file_which_may_not_lie_within(clean, tmp_path_factory):
    key = tmp_path_factory.mktemp("keys") / "key.json"
    key.write_text(json.dumps({"key": "ab" * 32, "patients": {"sub-P01": "P4F1C09A2B3"}, "sources": {}}))
    lines = check_private(clean, key_file=key)
    assert {line.partition(":")[0] for line in lines} == {
        "manifest.csv",
        "splits.json",
        "slices/su…(7 characters).npy",
    }
    assert all("original id" in line for line in lines)
    inside = clean / "key.json"
    inside.write_bytes(key.read_bytes())
    for lines in (check_private(clean), check_private(clean, key_file=inside)):
        assert "key.json: the whole file: key of the pseudonyms; move it out of the folder" in lines


def test_a_prepared_dataset_is_clean(tiny_dataset):
    assert check_private(tiny_dataset) == []


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        check_private(tmp_path / "none")
