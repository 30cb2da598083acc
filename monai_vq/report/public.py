"""What may leave the house: a report's content without ids, pictures and groups that are too small.

A page publishes, of each split with at least `MIN_PATIENTS` patients, their number and that of slices and the mean of
every score with its interval and standard deviation; of each group that it shows the number of patients, three means
and one interval; of training and codebook the curves and counts of a whole split. Groups are chosen so that no linear
combination of the means of their split and of them all is of 1 to `MIN_PATIENTS` − 1 patients alone, whatever fractions
are its weights: no difference, no sum of differences, no union of groups of several attributes
(`monai_vq.report.disclosure`). The same holds for sums of squares, which intervals and deviations tell roughly.

Digits are not what protects: a table has three or four of each score, but the shapes of a figure have more. Not guarded
against: who knows the scores of all but a few patients of a group, as the hospital that sent them, has theirs by a
subtraction; two public pages of different versions of a dataset differ by whom was added; and of the limits of a score,
as an SSIM of 1, a mean near them tells that nobody is far from it.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from monai_vq.data.demographics import UNKNOWN
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.content import ReportContent
from monai_vq.report.disclosure import MIN_PATIENTS, PRIME, PublishedSums
from monai_vq.report.groups import ATTRIBUTES, GROUP_COLUMNS, group_table, in_order, label_slices
from monai_vq.report.scores import RunScores
from monai_vq.report.tables import MEANS, SPLITS

TITLE = "Reconstruction report"  # a run's own name may be a site's or a person's
_WORDS = re.compile(r"[\w .,:;+()'*×@=-]{0,200}")  # of a setting that may be shown: nothing that looks like a path
_PLACE = re.compile(r"(^|_)(dir|root|path|file|ckpt|command|name|uri|url)s?$")
_ID_LETTERS = 4  # shorter ids, such as 7 or S1, are words of many settings by chance


def public_content(content: ReportContent) -> ReportContent:
    """The content without what belongs to single patients: pictures, splits that are too small, names and places.

    The scores of slices are still those of all patients of the splits that are left: a public page shows their means
    alone.
    """
    kept = large_splits(content.scores.model)
    scores = content.scores
    return dataclasses.replace(
        content,
        scores=RunScores(
            _public_rows(scores.model, kept),
            _latent_of(scores.latent, kept),
            {split: counts for split, counts in scores.code_counts.items() if split in kept},
            {name: _public_rows(rows, kept) for name, rows in scores.baselines.items()},
        ),
        people=content.people.assign(site=_number_sites(content.people["site"])),
        history=_public_history(content.history, kept),
        pictures=(),
        codewords=content.codewords if "train" in kept else None,
        gains=content.gains if content.gains and content.gains.split in kept else None,
        settings=_public_settings(content.settings, _names_of(content)),
        title=TITLE,
    )


def large_splits(slice_rows: pd.DataFrame) -> list[str]:
    """The splits with at least `MIN_PATIENTS` patients."""
    sizes = slice_rows.groupby("split")["patient_id"].nunique()
    return [split for split in SPLITS if sizes.get(split, 0) >= MIN_PATIENTS]


def public_groups(slice_rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The rows of `groups.group_table` that may be shown."""
    labels = label_slices(slice_rows, people).assign(patient_id=slice_rows["patient_id"].to_numpy())
    table = group_table(slice_rows, people)
    shown = []
    for split in slice_rows["split"].unique():
        inside = labels[(slice_rows["split"] == split).to_numpy()]
        cells = inside.groupby(list(labels)).size().rename("n_slices").reset_index()
        for attribute, groups in choose_public(cells).items():
            rows = table[(table["attribute"] == attribute) & (table["split"] == split)]
            shown.append(rows[rows["group"].isin(groups)])
    return pd.concat(shown).sort_index() if shown else pd.DataFrame(columns=GROUP_COLUMNS)


def choose_public(cells: pd.DataFrame) -> dict[str, list[str]]:
    """The groups of one split that may be shown together with the split's own mean, by attribute.

    Groups are tried attribute by attribute, the largest first, and one is shown if those shown before do not give away
    a few patients with it: none that is hidden could be shown, too.

    Args:
        cells: a row a patient and combination of groups: `patient_id`, `n_slices`, and a column an attribute.
    """
    attributes = [name for name in ATTRIBUTES if name in cells]
    groups = [(name, group) for name in attributes for group in _largest_first(cells, name)]
    systems, shown = _sums(cells, groups), [0]
    for number in range(1, len(groups) + 1):
        if not any(system.give_away_few([*shown, number]) for system in systems):
            shown.append(number)
    chosen = {groups[number - 1] for number in shown[1:]}
    return {name: [group for group in in_order(cells[name].unique()) if (name, group) in chosen] for name in attributes}


def _largest_first(cells: pd.DataFrame, attribute: str) -> list[str]:
    sizes = cells.groupby(attribute)["patient_id"].nunique()
    return sorted(sizes.index, key=lambda group: (-sizes[group], group))


def _sums(cells: pd.DataFrame, groups: Sequence[tuple[str, str]]) -> list[PublishedSums]:
    """The sums of the split, number 0, and of groups; first as they are, then as if a patient had one value everywhere.

    A patient of several groups of an attribute, as of two sessions, has in each the mean over the slices there. What
    these sums hide may still be read from them roughly, as a patient's slices are alike: hence the second reading.
    """
    numbers = pd.factorize(cells["patient_id"])[0]
    slices = cells["n_slices"].to_numpy(dtype=np.int64)
    inside = [np.ones(len(cells), dtype=bool), *((cells[name] == group).to_numpy() for name, group in groups)]
    parts = [_parts(np.where(rows, slices, 0), numbers) for rows in inside]
    as_they_are = PublishedSums(np.array(parts), numbers)
    if len(np.unique(numbers)) == len(cells):
        return [as_they_are]
    members = np.array([np.bincount(numbers, weights=rows) > 0 for rows in inside], dtype=np.int64)
    return [as_they_are, PublishedSums(members, np.arange(members.shape[1]))]


def _parts(slices: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The part of each row's slices in all of its patient's, modulo `PRIME`."""
    totals = np.bincount(numbers, weights=slices).astype(np.int64)
    inverse = {int(total): pow(int(total), -1, PRIME) for total in np.unique(totals[totals > 0])} | {0: 0}
    parts: np.ndarray = slices * np.array([inverse[int(total)] for total in totals[numbers]]) % PRIME
    return parts


def _public_rows(rows: pd.DataFrame, splits: list[str]) -> pd.DataFrame:
    """The slices of some splits, without a score that some slice of the split lacks, as without foreground.

    Its mean would be over fewer than those whose number is shown, and the difference theirs.
    """
    rows = rows[rows["split"].isin(splits)]
    lacking = rows[MEANS].isna().groupby(rows["split"]).transform("any")
    return rows.assign(**{name: rows[name].mask(lacking[name]) for name in MEANS})


def _latent_of(latent: LatentFormat, splits: list[str]) -> LatentFormat:
    shares = {split: share for split, share in latent.continuous.items() if split in splits}
    return dataclasses.replace(latent, continuous=shares)


def _number_sites(sites: pd.Series) -> pd.Series:
    """`site 1` for the site with the most scans, and so on; "" stays."""
    order = sites[sites != ""].value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    return sites.map({site: f"site {place}" for place, site in enumerate(order, start=1)} | {"": ""})


def _public_history(history: pd.DataFrame | None, splits: list[str]) -> pd.DataFrame | None:
    """Training curves, without those of a split that is too small."""
    if history is None:
        return None
    hidden = tuple(f"{split}_" for split in SPLITS if split not in splits)
    return history[[name for name in history if not str(name).startswith(hidden)]] if hidden else history


def _names_of(content: ReportContent) -> set[str]:
    """Every id and site, which no setting may name."""
    rows, people = content.scores.model, content.people
    columns = [rows["patient_id"], rows["scan_id"], *(people[name] for name in ("patient_id", "scan_id", "site"))]
    return set().union(*(set(column.astype(str)) for column in columns)) - {"", UNKNOWN}


def _public_settings(settings: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Numbers, and words that are neither a place nor a name; nested mappings likewise."""
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            kept[name] = _public_settings(value, names)
        elif not _PLACE.search(name) and _is_public(value, names):
            kept[name] = value
    return kept


def _is_public(value: Any, names: set[str]) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_public(one, names) for one in value)
    if value is None or isinstance(value, (bool, int, float)):
        return True
    return (
        bool(_WORDS.fullmatch(text := str(value)))
        and text not in names
        and not any(name in text for name in names if len(name) >= _ID_LETTERS)
    )
