"""The report page: one HTML file that needs nothing but itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from monai_vq.report.cautions import find_cautions
from monai_vq.report.figures import draw_history, draw_patients, draw_pictures
from monai_vq.report.gains import GainReport
from monai_vq.report.latent_figures import draw_codebook, draw_codewords, draw_gains
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores, ScoreTables
from monai_vq.report.settings import interval_settings, metric_settings, rate_settings, settings_sections
from monai_vq.report.tables import SPLITS, write_whole

MODEL = "model"
MAX_PATIENT_ROWS = 1000  # of the page's table; 10,000 would be 2.5 MB
EXTREMES = 50  # patients of each end of a split that are listed where there are more
SCORE_FORMATS = {"ssim": ".4f", "ssim_foreground": ".4f", "psnr": ".2f", "mse": "#.3g", "mae": "#.3g"}
RATE_FORMAT = ".4g"
CODE_FORMATS = {
    "bits_per_pixel_entropy": ".4g",
    "codebook_usage": ".1%",
    "codebook_perplexity": ".0f",
}


@dataclass(frozen=True)
class Cell:
    """A score as text, with its interval or "" where it has none."""

    value: str
    interval: str = ""


def write_page(
    report_dir: str | os.PathLike[str],
    scores: RunScores,
    tables: ScoreTables,
    *,
    history: pd.DataFrame | None = None,
    pictures: Sequence[PatientPicture] = (),
    codewords: np.ndarray | None = None,
    gains: GainReport | None = None,
    settings: Mapping[str, Any] | None = None,
    title: str = "Reconstruction report",
    unit: str = "patient",
) -> Path:
    """Writes report_dir/index.html, whole or not at all.

    Args:
        report_dir: made where it does not exist.
        scores: of the model and its baselines.
        tables: the model's, `ScoreTables.of_model(scores)`, as written to the CSV files.
        history: the rows of metrics.csv; columns named in `figures.HISTORY_PANELS` are drawn, any may be absent.
        pictures: of the patients of `choose_patients`, all of one size.
        codewords: [K, D], drawn by their use in the training split; None for a model without a codebook.
        gains: of one split; None for a model without gains.
        settings: provenance: knobs, versions, the split's sha256; a nested mapping becomes a section of its own.
        title: heading of the page.
        unit: what a `patient_id` stands for: `patient`, or `scan` or `image` where the source does not say whose
            they are.

    Returns:
        The path of the page. Equal arguments give an equal file.

    Raises:
        InputError: as `tables.slice_table` does.
    """
    baselines = ScoreTables.of_baselines(scores)
    everyone = {MODEL: tables, **baselines}
    text = _template().render(
        title=title,
        unit=unit,
        summary=_summary(tables),
        cautions=find_cautions(
            tables.splits, {name: table.splits for name, table in baselines.items()}, unit, scores.latent
        ),
        score_groups=_score_groups(everyone),
        patient_figure=draw_patients(everyone),
        spread=_spread(tables.patients),
        patient_rows=_listed_patients(tables.patients).to_dict("records"),
        pictures=pictures,
        ranks=_list_words([picture.rank for picture in pictures]),
        picture_figure=draw_pictures(pictures) if pictures else None,
        history_figure=None if history is None else draw_history(history),
        latent=scores.latent,
        gains=gains,
        **_latent_figures(scores, codewords, gains),
        method={
            "Scores": metric_settings(),
            "Intervals": interval_settings(),
            "Rate and codebook": rate_settings(scores.latent),
        },
        provenance=settings_sections(settings or {}),
    )
    path = Path(report_dir) / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def _latent_figures(scores: RunScores, codewords: np.ndarray | None, gains: GainReport | None) -> dict[str, str | None]:
    counts = scores.code_counts
    return {
        "codebook_figure": draw_codebook(counts) if counts else None,
        "codeword_figure": None if codewords is None else draw_codewords(codewords, counts["train"]),
        "gain_figure": None if gains is None or gains.is_empty else draw_gains(gains),
    }


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["number_of"] = _number_of
    return environment.get_template("page.html")


def _summary(tables: ScoreTables) -> dict[str, Any]:
    """The one result of the page: the last split's SSIM (the test split, where there is one)."""
    last = tables.splits.iloc[-1]
    return {
        "split": last["split"],
        "n_patients": last["n_patients"],
        "ssim": _score_cell(last, "ssim", SCORE_FORMATS["ssim"]),
        "psnr": _number(last["psnr"], ".2f"),
        "bits_per_pixel": _number(last["bits_per_pixel"], RATE_FORMAT),
        "n_all_patients": len(tables.patients),
        "n_all_scans": tables.slices["scan_id"].nunique(),
        "n_all_slices": len(tables.slices),
    }


def _score_groups(tables: Mapping[str, ScoreTables]) -> list[dict[str, Any]]:
    """For each split, its size and a line of cells for the model and for each baseline."""
    by_split = {name: table.splits.set_index("split") for name, table in tables.items()}
    groups = []
    for split in by_split[MODEL].index:
        lines = [(name, _cells(rows.loc[split])) for name, rows in by_split.items() if split in rows.index]
        sizes = {name: int(by_split[MODEL].loc[split, name]) for name in ("n_patients", "n_slices")}
        groups.append({"split": split, "lines": lines, **sizes})
    return groups


def _cells(row: pd.Series) -> list[Cell]:
    scores = [_score_cell(row, name, spec) for name, spec in SCORE_FORMATS.items()]
    rate = _score_cell(row, "bits_per_pixel", RATE_FORMAT)
    codes = [Cell(_number(row[name], spec)) for name, spec in CODE_FORMATS.items()]
    return [*scores, rate if _varies(row) else Cell(rate.value), *codes]


def _varies(row: pd.Series) -> bool:
    """Whether patients differ in their rate, which most latents fix."""
    return bool(f"{row['bits_per_pixel_low']:{RATE_FORMAT}}" != f"{row['bits_per_pixel_high']:{RATE_FORMAT}}")


def _score_cell(row: pd.Series, name: str, spec: str) -> Cell:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if pd.isna(low) else f"[{low:{spec}}, {high:{spec}}]"
    return Cell(_number(row[name], spec), interval)


def _spread(patient_rows: pd.DataFrame) -> list[dict[str, Any]]:
    """How the patients' SSIM is distributed in each split."""
    quantiles = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
    rows = []
    for split in [name for name in SPLITS if (patient_rows["split"] == name).any()]:
        ssim = patient_rows.loc[patient_rows["split"] == split, "ssim"]
        values = {name: ssim.quantile(level) for name, level in quantiles.items()}
        rows.append({"split": split, "mean": ssim.mean(), "sd": ssim.std(ddof=1), **values})
    return rows


def _listed_patients(patient_rows: pd.DataFrame) -> pd.DataFrame:
    """All patients, or where they are too many for a page those of the lowest and highest SSIM of each split."""
    if len(patient_rows) <= MAX_PATIENT_ROWS:
        return patient_rows
    place = patient_rows.groupby("split")["ssim"].rank(method="first")
    place_from_top = patient_rows.groupby("split")["ssim"].rank(method="first", ascending=False)
    return patient_rows[(place <= EXTREMES) | (place_from_top <= EXTREMES)]


def _number_of(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list_words(words: Sequence[str]) -> str:
    """As a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _number(value: float, spec: str) -> str:
    return "–" if pd.isna(value) else format(value, spec)
