"""The folder of a prepared dataset while it is written: no half file, no foreign file touched, nothing replaced."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_prep.rejections import REJECTED_NAME
from monai_vq.atomic import PART, atomic_path
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.preparation import PROVENANCE_NAME
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.errors import InputError

__all__ = ["PROVENANCE_NAME", "SLICES_DIR", "open_output", "write_json"]

SLICES_DIR = "slices"
_FILES = (MANIFEST_NAME, SPLITS_NAME, REJECTED_NAME, PROVENANCE_NAME)
_FOLDERS = (SLICES_DIR, "qc")


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Writes a JSON file atomically."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


@contextmanager
def open_output(output_dir: Path, settings: dict[str, Any], force: bool) -> Iterator[None]:
    """Makes the folder, or goes on with one that an equal run left; an input error takes away what this run began.

    So a new folder goes, an empty one that was there stays empty, and the volumes of a killed run stay for the next. A
    dataset that is replaced is kept beside it until the new one is whole, and comes back after an error.

    Args:
        output_dir: the folder.
        settings: all that decides the content; JSON values.
        force: replace what an earlier run wrote, whatever its settings.

    Raises:
        InputError: the folder holds something else, or a dataset of other settings and not `force`.
    """
    created = not output_dir.exists()
    earlier = _read_settings(output_dir)
    replaced = force and earlier is not None
    aside = output_dir.with_name(f".{output_dir.name}.replaced")
    if replaced and aside.exists():  # from a run that was killed; what is here now is the beginning of its new one
        _remove_dataset(output_dir)
    elif replaced:
        _move_dataset(output_dir, aside)
    elif earlier is not None and earlier != settings:
        changed = sorted(name for name in {*earlier, *settings} if earlier.get(name) != settings.get(name))
        raise InputError(
            f"{output_dir} was prepared with other settings ({', '.join(changed)}); "
            "choose another --output_dir, or give --force to replace it"
        )
    (output_dir / SLICES_DIR).mkdir(parents=True, exist_ok=True)
    for part in output_dir.rglob(f".*{PART}"):  # left by a run that was killed
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    try:
        yield
    except InputError:
        if replaced or earlier is None:
            _remove_dataset(output_dir)
        if replaced:
            _move_dataset(aside, output_dir)
            aside.rmdir()
        if created:
            shutil.rmtree(output_dir)
        raise
    shutil.rmtree(aside, ignore_errors=True)  # a killed run that replaced it may have been an earlier one


def _read_settings(output_dir: Path) -> dict[str, Any] | None:
    """Settings of the dataset in the folder; None where there is no file yet."""
    if not output_dir.exists() or (output_dir.is_dir() and not any(map(_is_finished, output_dir.rglob("*")))):
        return None
    try:
        settings = json.loads((output_dir / PROVENANCE_NAME).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{output_dir} exists and is not a prepared dataset; choose another --output_dir") from error
    return dict(settings)


def _is_finished(path: Path) -> bool:
    return path.is_file() and path.suffix != PART


def _move_dataset(output_dir: Path, target: Path) -> None:
    """Moves the dataset's own files; what else lies in the folder stays."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (*_FILES, *_FOLDERS):
        if (output_dir / name).exists():
            (output_dir / name).rename(target / name)


def _remove_dataset(output_dir: Path) -> None:
    for name in _FILES:
        (output_dir / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(output_dir / name, ignore_errors=True)
