"""Scores by what the dataset knows of the patients: diagnosis, sex, age, session, source and site."""

import math
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from monai_vq.data.demographics import UNKNOWN
from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.report.tables import LIMITS, SPLITS, write_table

ATTRIBUTES = ("diagnosis", "sex", "age", "session", "source", "site")
GROUP_SCORES = ["ssim", "ssim_foreground", "mse"]
GROUP_COLUMNS = ["attribute", "split", "group", "n_patients", *GROUP_SCORES, "ssim_low", "ssim_high"]
OLDEST = 90  # ages above 89 identify a person (HIPAA, 45 CFR 164.514(b)(2)(i)(C)): one group for all of them


def label_scans(people: pd.DataFrame) -> pd.DataFrame:
    """The group of each scan by each of `ATTRIBUTES`, `unknown` where the dataset does not say.

    Args:
        people: with the columns of `content.PEOPLE_COLUMNS`.

    Returns:
        A row a scan, its `scan_id` the index. `age` is a decade, such as `60–69`, the last one `90+`; `session` counts
        a patient's sessions in the order of their names, `session 1` being the first in the dataset.
    """
    labels = {name: people[name].replace("", UNKNOWN) for name in ("diagnosis", "sex", "source", "site")}
    table = pd.DataFrame(labels | {"age": people["age"].map(age_band), "session": _number_sessions(people)})
    return table[list(ATTRIBUTES)].set_axis(pd.Index(people["scan_id"], name="scan_id"), axis=0)


def attribute_title(attribute: str, unit: str) -> str:
    """What a page calls one of `ATTRIBUTES`: pictures have a class where scans have a diagnosis."""
    return "class" if (attribute, unit) == ("diagnosis", "image") else attribute


def age_band(age: float) -> str:
    """The decade of an age in years; `90+` from 90 on, `unknown` for NaN and for what is no age."""
    if not math.isfinite(age) or age < 0:
        return UNKNOWN
    decade = int(age // 10) * 10
    return f"{OLDEST}+" if decade >= OLDEST else f"{decade}–{decade + 9}"


def label_slices(slice_rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The groups of each slice's scan, a row a slice in the same order; `unknown` for a scan that is not in people."""
    labels = label_scans(people)
    labels = labels[~labels.index.duplicated()].astype(object)
    return labels.reindex(slice_rows["scan_id"], fill_value=UNKNOWN).reset_index(drop=True)


def group_table(slice_rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Mean scores of the patients of each group, by attribute and split, the test split first.

    A patient's score within a group is the mean of the patient's slices there, so a patient whose diagnosis, age band
    or session changes between scans is in several groups, each with its own slices. An attribute of which all scans
    have the same value, or none a known one, has no rows.

    Args:
        slice_rows: from `tables.slice_table`.
        people: with the columns of `content.PEOPLE_COLUMNS`.

    Returns:
        The columns `GROUP_COLUMNS`; `ssim_low` and `ssim_high` are the interval over the group's patients.
    """
    labels = label_slices(slice_rows, people)
    rows = [
        row
        for attribute in ATTRIBUTES
        if labels[attribute].nunique() > 1
        for row in _rows_of(attribute, slice_rows.assign(group=labels[attribute].to_numpy()))
    ]
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def write_groups(report_dir: str | os.PathLike[str], slice_rows: pd.DataFrame, people: pd.DataFrame) -> Path:
    """Writes ssim_groups.csv, the table of `group_table`; returns its path."""
    return write_table(report_dir, "groups", group_table(slice_rows, people))


def constant_attributes(slice_rows: pd.DataFrame, people: pd.DataFrame) -> dict[str, str]:
    """Those of `ATTRIBUTES` in which the scored scans do not differ, with the value of all; it may be unknown."""
    labels = label_slices(slice_rows, people)
    return {name: str(labels[name].iloc[0]) for name in ATTRIBUTES if labels[name].nunique() == 1}


def in_order(groups: Iterable[str]) -> list[str]:
    """Names of groups in natural order, numbers by value, `unknown` last."""
    return sorted(groups, key=lambda name: (name == UNKNOWN, _natural(name)))


def _rows_of(attribute: str, slice_rows: pd.DataFrame) -> list[dict]:
    means = slice_rows.groupby(["split", "group", "patient_id"], as_index=False)[GROUP_SCORES].mean()
    rows = []
    for split in reversed(SPLITS):
        inside = means[means["split"] == split]
        for group in in_order(inside["group"].unique()):
            patients = inside[inside["group"] == group]
            low, high = patient_interval(patients["ssim"].to_numpy(dtype=float), limits=LIMITS["ssim"])
            ids = {"attribute": attribute, "split": split, "group": group, "n_patients": len(patients)}
            rows.append(ids | patients[GROUP_SCORES].mean().to_dict() | {"ssim_low": low, "ssim_high": high})
    return rows


def _number_sessions(people: pd.DataFrame) -> list[str]:
    """The place of each scan's session among its patient's; of a scan without a session it is unknown."""
    known = people[people["session_id"] != ""]
    places = {}
    for patient, sessions in known.groupby("patient_id")["session_id"]:
        for place, session in enumerate(sorted(sessions.unique(), key=_natural), start=1):
            places[patient, session] = f"session {place}"
    keys = zip(people["patient_id"], people["session_id"], strict=True)
    return [places.get(key, UNKNOWN) for key in keys]


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts `session 2` before `session 10`, and numbers before words."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]
