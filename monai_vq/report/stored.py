"""The content of a report on disk: `report/content/`, from which its pages are written again without the data.

content.json    title, unit, settings, and the names that the arrays need
arrays.npz      the scores of every slice, of the model and the baselines; code counts, codewords, gains, pictures
people.csv      a row a scan
history.csv     the rows of metrics.csv
"""

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from monai_vq.errors import InputError
from monai_vq.metrics.gain_counts import GainHistogram
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent
from monai_vq.report.gains import GainReport
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores
from monai_vq.report.tables import ID_COLUMNS, MEANS, slice_table

CONTENT = "content"
SCHEMA_VERSION = 1
_SHADES = 65535  # pictures are kept as uint16


def write_content(report_dir: str | os.PathLike[str], content: ReportContent) -> Path:
    """Writes report_dir/content, whole or not at all, in the place of an earlier one.

    Scores are kept to the bit, slices in the order of `slice_table`; pictures are clipped to [0, 1] and rounded to
    16 bits.

    Returns:
        The folder.

    Raises:
        InputError: as `slice_table` does, or if a baseline was scored on other slices than the model.
    """
    final = Path(report_dir) / CONTENT
    part = final.with_name(f".{CONTENT}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    try:
        np.savez_compressed(part / "arrays.npz", **_arrays(content))  # type: ignore[arg-type]
        _write_json(part / "content.json", _names(content))
        content.people[PEOPLE_COLUMNS].to_csv(part / "people.csv", index=False, lineterminator="\n")
        if content.history is not None:
            content.history.to_csv(part / "history.csv", index=False, lineterminator="\n")
        shutil.rmtree(final, ignore_errors=True)  # a folder cannot be replaced in one step unless it is empty
        part.rename(final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return final


def read_content(run_dir: str | os.PathLike[str]) -> ReportContent:
    """Reads the content of the report of a run.

    Args:
        run_dir: the run's folder, which has `report/content`.

    Raises:
        InputError: there is none, as in a run that has not ended or was scored before reports kept their content, it
            is of another version, or a file is damaged.
    """
    folder = Path(run_dir) / "report" / CONTENT
    names_path = folder / "content.json"
    remedy = "score the run again: repeat its command with `--resume true`"
    if not names_path.is_file():
        raise InputError(f"{run_dir} has no stored report (no {names_path}); {remedy}, or give another run's folder.")
    with _whole(names_path, remedy):
        names = json.loads(names_path.read_text(encoding="utf-8"))
        version = names["schema_version"]
    if version != SCHEMA_VERSION:
        raise InputError(f"{names_path} has schema version {version}, expected {SCHEMA_VERSION}; {remedy}.")
    with _whole(folder / "arrays.npz", remedy), np.load(folder / "arrays.npz") as stored:
        arrays = dict(stored)
    history = folder / "history.csv"
    return ReportContent(
        scores=_read_scores(arrays, names),
        people=_read_people(folder / "people.csv"),
        history=pd.read_csv(history) if history.is_file() else None,
        pictures=_read_pictures(arrays, names),
        codewords=arrays.get("codewords"),
        gains=_read_gains(arrays, names),
        settings=names["settings"],
        title=names["title"],
        unit=names["unit"],
    )


@contextmanager
def _whole(path: Path, remedy: str) -> Iterator[None]:
    """Says what to do about a file that was cut off or changed."""
    try:
        yield
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); {remedy}.") from error


def _arrays(content: ReportContent) -> dict[str, np.ndarray]:
    scores, gains = content.scores, content.gains
    rows = slice_table(scores.model)
    ids = {f"id_{name}": rows[name].to_numpy(dtype=None if name == "slice_index" else str) for name in ID_COLUMNS}
    return {
        **ids,
        "model": rows[MEANS].to_numpy(dtype=np.float64),
        **{f"baseline_{i}": _baseline(name, rows, own) for i, (name, own) in enumerate(scores.baselines.items())},
        **{f"codes_{split}": np.asarray(counts) for split, counts in scores.code_counts.items()},
        **({} if content.codewords is None else {"codewords": np.asarray(content.codewords, dtype=np.float32)}),
        **({} if gains is None else {"gain_values": gains.histogram.values, "gain_counts": gains.histogram.counts}),
        **({} if gains is None or gains.levels is None else {"gain_levels": gains.levels}),
        **{f"picture_{i}": _shades(picture) for i, picture in enumerate(content.pictures)},
    }


def _baseline(name: str, model: pd.DataFrame, slices: pd.DataFrame) -> np.ndarray:
    rows = slice_table(slices)
    if not rows[ID_COLUMNS].equals(model[ID_COLUMNS]):
        raise InputError(f"The baseline {name!r} was scored on other slices than the model; score both on the same.")
    return rows[MEANS].to_numpy(dtype=np.float64)


def _shades(picture: PatientPicture) -> np.ndarray:
    """Input and reconstruction, uint16 [2, H, W] or [2, H, W, 3]."""
    return np.rint(np.clip(np.stack([picture.x, picture.x_hat]), 0, 1) * _SHADES).astype(np.uint16)


def _names(content: ReportContent) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "title": content.title,
        "unit": content.unit,
        "latent": dataclasses.asdict(content.scores.latent),
        "baselines": list(content.scores.baselines),
        "gain_split": content.gains.split if content.gains else None,
        "pictures": [_caption(picture) for picture in content.pictures],
        "settings": content.settings,
    }


def _caption(picture: PatientPicture) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(picture) if field.name not in ("x", "x_hat")]
    return {name: getattr(picture, name) for name in names}


def _write_json(path: Path, names: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(names, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def _read_scores(arrays: Mapping[str, np.ndarray], names: Mapping[str, Any]) -> RunScores:
    ids = pd.DataFrame({name: arrays[f"id_{name}"] for name in ID_COLUMNS})

    def table(scores: np.ndarray) -> pd.DataFrame:
        return pd.concat([ids, pd.DataFrame(scores, columns=MEANS)], axis=1)

    latent: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in names["latent"].items()
    }
    return RunScores(
        model=table(arrays["model"]),
        latent=LatentFormat(**latent),
        code_counts={name[len("codes_") :]: array for name, array in arrays.items() if name.startswith("codes_")},
        baselines={name: table(arrays[f"baseline_{i}"]) for i, name in enumerate(names["baselines"])},
    )


def _read_people(path: Path) -> pd.DataFrame:
    words = dict.fromkeys(PEOPLE_COLUMNS, str) | {"age": float}  # an id of digits keeps its zeros, "NA" its letters
    return pd.read_csv(path, dtype=words, keep_default_na=False, na_values={"age": [""]})


def _read_pictures(arrays: Mapping[str, np.ndarray], names: Mapping[str, Any]) -> list[PatientPicture]:
    shades = [arrays[f"picture_{i}"].astype(np.float32) / _SHADES for i in range(len(names["pictures"]))]
    return [
        PatientPicture(**caption, x=x, x_hat=x_hat)
        for caption, (x, x_hat) in zip(names["pictures"], shades, strict=True)
    ]


def _read_gains(arrays: Mapping[str, np.ndarray], names: Mapping[str, Any]) -> GainReport | None:
    if names["gain_split"] is None:
        return None
    histogram = GainHistogram(arrays["gain_values"], arrays["gain_counts"])
    return GainReport(names["gain_split"], histogram, arrays.get("gain_levels"))
