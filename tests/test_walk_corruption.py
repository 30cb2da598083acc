"""Damaged files through the whole preparation: each is refused with a reason and a remedy, or changes no voxel."""

import gzip
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.bids import bids_stems, write_bids
from data_prep.phantom.layouts.oasis1 import write_oasis1
from data_prep.phantom.layouts.oasis2 import write_oasis2
from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest
from monai_vq.errors import InputError

NUM_DAMAGES = 20  # of each kind and format
VOXEL_MM = 8.0
WHOLE = 3  # units that stay as they are, so that there is something to split
FRACTIONS = (0.5, 0.25, 0.25)
GEOMETRY = ("shape", "axes", "window_low", "window_high", "slice_indices")
SPACING_DIGITS = 2  # of a mm: the last bytes of a voxel size in a header without a checksum say less than that


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Changes one byte to another."""
    place = int(rng.integers(len(content)))
    return content[:place] + bytes([content[place] ^ int(rng.integers(1, 256))]) + content[place + 1 :]


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))]


def draw_patients(count: int) -> list[PhantomPatient]:
    return [PhantomPatient.draw(0, index) for index in range(count)]


def write_bids_tree(root: Path, count: int) -> list[Path]:
    patients = draw_patients(count)
    write_bids(root, patients, VOXEL_MM)
    return [root / f"{next(bids_stems(patient))}.nii.gz" for patient in patients]


def write_discs(root: Path, count: int) -> list[Path]:
    write_oasis1(root, draw_patients(count), VOXEL_MM, images=("masked_t88",))
    return sorted(root.glob("disc*/*_MR1/PROCESSED/MPRAGE/T88_111/[!.]*_masked_gfc.hdr"))


def write_parts(root: Path, count: int) -> list[Path]:
    write_oasis2(root, draw_patients(count), VOXEL_MM)
    return sorted(root.glob("OAS2_RAW_PART?/*_MR1/RAW/mpr-1.nifti.hdr"))


def pick_voxels(headers: list[Path]) -> list[Path]:
    return [path.with_suffix(".img") for path in headers]


def draw(seed: int, size: int) -> np.ndarray:
    """A smooth grey picture with a black border, [size, size]."""
    small = np.random.default_rng(seed).integers(30, 256, (4, 4), dtype=np.uint8)
    picture = np.array(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))
    return np.pad(picture[2:-2, 2:-2], 2)


def write_pngs(root: Path, count: int) -> list[Path]:
    """Cases of two slices, the last three in each of the splits."""
    for case in range(count):
        folder = root / f"keras_png_slices_{('train', 'validate', 'test')[max(0, case - count + WHOLE)]}"
        folder.mkdir(exist_ok=True)
        for number in range(2):
            Image.fromarray(draw(2 * case + number, 32)).save(folder / f"case_{case + 1:03d}_slice_{number}.nii.png")
    return sorted(root.glob("*/case_*_slice_0.nii.png"), key=lambda path: path.name)


def write_digits(root: Path, count: int) -> list[Path]:
    """One archive, of which `count` copies are damaged one after the other."""
    for prefix, first, length in (("train", 0, 20), ("t10k", 100, 4)):
        images = np.stack([draw(first + number, 28) for number in range(length)])
        for axes, kind, body in ((3, "images", images), (1, "labels", np.arange(length, dtype=np.uint8) % 2)):
            content = bytes([0, 0, 8, axes]) + b"".join(side.to_bytes(4, "big") for side in body.shape) + body.tobytes()
            (root / f"{prefix}-{kind}-idx{axes}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    return [root / "train-images-idx3-ubyte.gz"] * count


@dataclass(frozen=True)
class Format:
    """A format in the source that reads it; a file a unit, or one for all of them.

    Attributes:
        source: key of `SOURCES`.
        write: `write(root, count)` makes units and gives the file of each.
        own: options of the source.
        flips: whether every changed byte can be told; not so in voxels without a checksum.
        shipped: whether the split comes with it.
    """

    source: str
    write: Callable[[Path, int], list[Path]]
    own: dict[str, Any] = field(default_factory=dict)
    flips: bool = True
    shipped: bool = False


FORMATS = {
    "nii.gz": Format("bids", write_bids_tree),
    "PNG": Format("png_slices", write_pngs, shipped=True),
    "Analyze header": Format("oasis1", write_discs),
    "Analyze voxels": Format("oasis1", lambda root, count: pick_voxels(write_discs(root, count)), flips=False),
    "NIfTI pair header": Format("oasis2", write_parts, {"assume_orientation": "ASL"}),
}
CASES = [(name, damage) for name, one in FORMATS.items() for damage in (flip, truncate) if one.flips or damage != flip]


def prepare(form: Format, source: Path, output_dir: Path, checksums: Path | None = None) -> dict[str, tuple[Any, ...]]:
    """Pixels, masks and the geometry of the slices by scan."""
    split: dict[str, Any] = {} if form.shipped else {"fractions": FRACTIONS, "stratify": ()}
    prepare_source(
        form.source, source, output_dir, form.own, num_slices=3, progress=False, checksums=checksums, **split
    )
    return {
        record.source: (
            np.load(record.slices_path(output_dir)).tobytes(),
            np.load(record.mask_path(output_dir)).tobytes(),
            *(getattr(record, name) for name in GEOMETRY),
            tuple(round(size, SPACING_DIGITS) for size in record.slice_spacing),
        )
        for record in read_manifest(output_dir)
    }


def tally(
    form: Format, damage: Callable[..., bytes], root: Path, count: int = NUM_DAMAGES, listed: bool = False
) -> Counter[str]:
    """How many damaged files were refused, changed nothing, or changed something without a word.

    Args:
        form: what is damaged.
        damage: how.
        root: empty folder.
        count: files to damage.
        listed: whether the download comes with checksums.
    """
    source = root / "source"
    source.mkdir()
    files = form.write(source, count + WHOLE)[:count]
    checksums = write_checksums(source, root / "sums.txt") if listed else None
    before = prepare(form, source, root / "before", checksums)
    for index, path in enumerate(files):
        path.write_bytes(damage(path.read_bytes(), np.random.default_rng(index)))
    after = prepare(form, source, root / "after", checksums)
    rejected = pd.read_csv(root / "after/rejected.csv", keep_default_na=False)
    reasons = {row.source: (row.reason, row.remedy) for row in rejected.itertuples()}
    assert before.keys() - after.keys() <= reasons.keys()  # nothing is missing without a word
    assert all(reason and remedy for reason, remedy in reasons.values())
    return Counter(judge(scan, before[scan], after.get(scan)) for scan in find_scans(files, before, source))


def write_checksums(source: Path, path: Path) -> Path:
    """What `find . -type f -exec sha256sum {} +` prints in the source."""
    files = sorted(file for file in source.rglob("*") if file.is_file())
    lines = [f"{sha256(file.read_bytes()).hexdigest()}  ./{file.relative_to(source).as_posix()}" for file in files]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def find_scans(files: list[Path], before: dict[str, Any], source: Path) -> list[str]:
    """The scans of the damaged files; a pair or a case is named by one of its files."""
    stems = [path.with_suffix("").relative_to(source).as_posix() for path in files]
    return [next(scan for scan in before if scan.startswith(stem)) for stem in stems]


def judge(scan: str, before: tuple[Any, ...], after: tuple[Any, ...] | None) -> str:
    if after is None:
        return "refused"
    return "harmless" if after == before else "silently wrong"


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_a_damaged_file_is_refused_or_changes_no_voxel(name, damage, tmp_path):
    counts = tally(FORMATS[name], damage, tmp_path)
    assert counts["silently wrong"] == 0
    assert counts["refused"] + counts["harmless"] == NUM_DAMAGES
    assert counts["refused"] > 0


def test_what_has_no_checksum_changes_unseen(tmp_path):
    """The control of the tests above, and a limit of Analyze: changed voxels are seen by the comparison alone."""
    assert tally(FORMATS["Analyze voxels"], flip, tmp_path, 5)["silently wrong"] > 0


@pytest.mark.parametrize("name", ["Analyze voxels", "Analyze header", "nii.gz"])
def test_every_damaged_file_is_refused_where_the_download_has_checksums(name, tmp_path):
    assert tally(FORMATS[name], flip, tmp_path, listed=True) == {"refused": NUM_DAMAGES}


@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_damaged_archive_is_refused_or_changes_no_image(damage, tmp_path):
    """All images of MNIST lie in one file: with it the whole source is refused."""
    form, source = Format("mnist", write_digits, shipped=True), tmp_path / "source"
    source.mkdir()
    path = write_digits(source, 1)[0]
    before, whole = prepare(form, source, tmp_path / "before"), path.read_bytes()
    refusals = []
    for index in range(NUM_DAMAGES):
        path.write_bytes(damage(whole, np.random.default_rng(index)))
        try:
            after = prepare(form, source, tmp_path / f"after-{index}")
        except InputError as error:
            refusals.append(str(error))
        else:
            assert after == before
    assert refusals
    assert all(";" in refusal for refusal in refusals)  # the reason and the remedy
