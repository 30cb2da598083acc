"""The report page: one HTML file that needs nothing but itself."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Template

from monai_vq.data.demographics import UNKNOWN
from monai_vq.errors import InputError
from monai_vq.pages import encode, number, page_environment
from monai_vq.report.cautions import find_cautions
from monai_vq.report.content import ReportContent
from monai_vq.report.disclosure import MIN_PATIENTS
from monai_vq.report.figures import draw_history, draw_patients, draw_pictures
from monai_vq.report.groups import attribute_title, constant_attributes, group_table
from monai_vq.report.latent_figures import draw_codebook, draw_codewords, draw_gains
from monai_vq.report.patient_list import patient_list
from monai_vq.report.pictures import DRAWN
from monai_vq.report.public import public_content, public_groups
from monai_vq.report.score_cells import RATE_FORMAT, score_cell, score_groups
from monai_vq.report.scores import ScoreTables
from monai_vq.report.settings import (
    baseline_settings,
    group_settings,
    interval_settings,
    metric_settings,
    rate_settings,
    settings_sections,
)
from monai_vq.report.tables import SPLITS, write_whole

MODEL = "model"


def write_page(report_dir: str | os.PathLike[str], content: ReportContent, public: bool = False) -> Path:
    """Writes report_dir/index.html, whole or not at all.

    Args:
        report_dir: made where it does not exist.
        content: what is shown.
        public: leaves out what belongs to single patients, and groups of fewer than `public.MIN_PATIENTS`: a page that
            may be shown to others.

    Returns:
        The path of the page. Equal arguments give an equal file.

    Raises:
        InputError: as `tables.slice_table` does, or if no split has enough patients for a public page.
    """
    everyone = content
    content = public_content(content) if public else content
    if content.scores.model.empty:
        raise InputError(
            f"No split has {MIN_PATIENTS} patients, so a public page would show nothing; write it without --public."
        )
    hidden = [split for split in SPLITS if split in _splits(everyone) and split not in _splits(content)]
    text = _template().render(_words(content, public), public=public, hidden_splits=hidden)
    path = Path(report_dir) / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def _splits(content: ReportContent) -> set[str]:
    return set(content.scores.model["split"].unique())


def _words(content: ReportContent, public: bool) -> dict[str, Any]:
    """All that the template names."""
    tables, baselines = ScoreTables.of_model(content.scores), ScoreTables.of_baselines(content.scores)
    everyone = {MODEL: tables, **baselines}
    latent, unit = content.scores.latent, content.unit
    groups = (public_groups if public else group_table)(tables.slices, content.people)
    constant = constant_attributes(tables.slices, content.people)
    return {
        "title": content.title,
        "unit": unit,
        "min_patients": MIN_PATIENTS,
        "summary": _summary(tables),
        "cautions": find_cautions(
            tables.splits, {name: table.splits for name, table in baselines.items()}, unit, latent
        ),
        "score_groups": score_groups(everyone),
        "attributes": _attributes(groups),
        "attribute_title": attribute_title,
        "constant_attributes": {name: group for name, group in constant.items() if group != UNKNOWN},
        "unknown_attributes": [name for name, group in constant.items() if group == UNKNOWN],
        "patient_figure": draw_patients(everyone, public),
        "spread": _spread(tables.patients),
        "patient_list": None if public else _patient_list(tables, content),
        "latent": latent,
        **_figures(content),
        "method": {
            "Scores": metric_settings(),
            "Intervals": interval_settings(),
            "Baselines": baseline_settings(list(baselines)),
            "Groups": group_settings(),
            "Rate and codebook": rate_settings(latent),
        },
        "provenance": settings_sections(content.settings),
    }


def _figures(content: ReportContent) -> dict[str, Any]:
    """Pictures, training curves and what the latents look like."""
    counts, gains, pictures = content.scores.code_counts, content.gains, content.pictures
    return {
        "pictures": pictures,
        "ranks": _list_words(list(dict.fromkeys(picture.rank for picture in pictures))),
        "drawn": [picture for picture in pictures if picture.rank == DRAWN],
        "picture_figure": draw_pictures(pictures) if pictures else None,
        "history_figure": None if content.history is None else draw_history(content.history),
        "codebook_figure": draw_codebook(counts) if counts else None,
        "codeword_figure": None if content.codewords is None else draw_codewords(content.codewords, counts["train"]),
        "gains": gains,
        "gain_figure": None if gains is None or gains.is_empty else draw_gains(gains),
    }


def _template() -> Template:
    return page_environment(Path(__file__).parent).get_template("page.html")


def _summary(tables: ScoreTables) -> dict[str, Any]:
    """The one result of the page: the last split's SSIM (the test split, where there is one)."""
    last = tables.splits.iloc[-1]
    return {
        "split": last["split"],
        "n_patients": last["n_patients"],
        "ssim": score_cell(last, "ssim"),
        "psnr": number(last["psnr"], ".2f"),
        "bits_per_pixel": number(last["bits_per_pixel"], RATE_FORMAT),
        "n_all_patients": len(tables.patients),
        "n_all_scans": tables.slices["scan_id"].nunique(),
        "n_all_slices": len(tables.slices),
    }


def _attributes(groups: pd.DataFrame) -> dict[str, dict[str, list[dict[Any, Any]]]]:
    """For each attribute and split the rows of its groups, the SSIM a cell with its interval."""
    shown: dict[str, dict[str, list[dict[Any, Any]]]] = {}
    for row in groups.to_dict("records"):
        rows = shown.setdefault(row["attribute"], {}).setdefault(row["split"], [])
        rows.append({**row, "ssim": score_cell(row, "ssim")})
    return shown


def _patient_list(tables: ScoreTables, content: ReportContent) -> str:
    return encode(patient_list(tables.patients, tables.slices, content.people, content.unit))


def _spread(patient_rows: pd.DataFrame) -> list[dict[str, Any]]:
    """How the patients' SSIM is distributed in each split."""
    quantiles = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
    rows = []
    for split in [name for name in SPLITS if (patient_rows["split"] == name).any()]:
        ssim = patient_rows.loc[patient_rows["split"] == split, "ssim"]
        values = {name: ssim.quantile(level) for name, level in quantiles.items()}
        rows.append({"split": split, "mean": ssim.mean(), "sd": ssim.std(ddof=1), **values})
    return rows


def _list_words(words: Sequence[str]) -> str:
    """As a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
