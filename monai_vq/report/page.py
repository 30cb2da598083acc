"""The report page: one HTML file that needs nothing but itself."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from monai_vq.report.cautions import find_cautions
from monai_vq.report.figures import draw_codebook, draw_history, draw_patients, draw_pictures
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores, ScoreTables
from monai_vq.report.settings import interval_settings, metric_settings, rate_settings, settings_sections
from monai_vq.report.tables import SPLITS, write_whole

MODEL = "model"
MAX_PATIENT_ROWS = 1000  # of the page's table; 10,000 would be 2.5 MB
EXTREMES = 50  # patients of each end of a split that are listed where there are more
SCORE_FORMATS = {"ssim": ".4f", "ssim_foreground": ".4f", "psnr": ".2f", "mse": "#.3g", "mae": "#.3g"}
CODE_FORMATS = {
    "bits_per_pixel": ".4g",
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
        pictures: of the best, median and worst patient, all of one size.
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
        cautions=find_cautions(tables.splits, {name: table.splits for name, table in baselines.items()}, unit),
        score_groups=_score_groups(everyone),
        patient_figure=draw_patients(everyone),
        spread=_spread(tables.patients),
        patient_rows=_listed_patients(tables.patients).to_dict("records"),
        pictures=pictures,
        picture_figure=draw_pictures(pictures) if pictures else None,
        history_figure=None if history is None else draw_history(history),
        codebook_figure=draw_codebook(scores.code_counts) if scores.code_counts else None,
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


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment.get_template("page.html")


def _summary(tables: ScoreTables) -> dict[str, Any]:
    """The one result of the page: the last split's SSIM (the test split, where there is one)."""
    last = tables.splits.iloc[-1]
    return {
        "split": last["split"],
        "n_patients": last["n_patients"],
        "ssim": _score_cell(last, "ssim"),
        "psnr": _number(last["psnr"], ".2f"),
        "bits_per_pixel": _number(last["bits_per_pixel"], ".4g"),
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
    codes = [Cell(_number(row[name], spec)) for name, spec in CODE_FORMATS.items()]
    return [_score_cell(row, name) for name in SCORE_FORMATS] + codes


def _score_cell(row: pd.Series, name: str) -> Cell:
    spec = SCORE_FORMATS[name]
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


def _number(value: float, spec: str) -> str:
    return "–" if pd.isna(value) else format(value, spec)
