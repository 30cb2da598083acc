"""What may leave the house: a report's content without ids, pictures and groups that are too small.

A group of fewer than `MIN_PATIENTS` is not shown, and neither is one that would give it away: the patients that are
left when groups are taken from their split, or from groups of another attribute that hold them, are at least as many
(complementary suppression; Hundepool et al. 2012, Statistical Disclosure Control, ch. 4). Combinations of three
attributes at once are not searched. Patients that several groups of one attribute share, as those who were healthy at
one visit and ill at the next, are a group of their own: what the groups add up to beyond the split is theirs.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations, permutations, product
from operator import or_
from typing import Any

import pandas as pd

from monai_vq.data.demographics import UNKNOWN
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.content import ReportContent
from monai_vq.report.groups import ATTRIBUTES, GROUP_COLUMNS, GROUP_SCORES, group_table, label_slices, members
from monai_vq.report.scores import RunScores
from monai_vq.report.tables import MEANS, SPLITS

MIN_PATIENTS = 5
MOST_BLOCKS = 10  # groups of one attribute of which every combination is tried
TITLE = "Reconstruction report"  # a run's own name may be a site's or a person's
_WORDS = re.compile(r"[\w .,:;+()'*×@=-]{0,200}")  # of a setting that may be shown: nothing that looks like a path
_PLACE = re.compile(r"(^|_)(dir|root|path|file|ckpt|command|name|uri|url)s?$")
_ID_LETTERS = 4  # shorter ids, such as 7 or S1, are words of many settings by chance

Members = Mapping[str, Mapping[str, set[str]]]  # attribute → group → patients
Masks = Mapping[str, Mapping[str, int]]  # the same, a bit a patient


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
    labels = label_slices(slice_rows, people)
    table = group_table(slice_rows, people)
    shown = []
    for split in slice_rows["split"].unique():
        everyone = {name: members(slice_rows, labels, name, split) for name in ATTRIBUTES}
        for attribute, groups in choose_public(everyone).items():
            rows = table[(table["attribute"] == attribute) & (table["split"] == split)]
            shown.append(rows[rows["group"].isin(groups)].assign(**_incomplete(slice_rows, split)))
    return pd.concat(shown).sort_index() if shown else pd.DataFrame(columns=GROUP_COLUMNS)


def choose_public(everyone: Members) -> dict[str, list[str]]:
    """The groups of one split that may be shown together, by attribute.

    Args:
        everyone: for each attribute and group its patients; each attribute has a group for every patient of the split.
    """
    order = {patient: place for place, patient in enumerate(sorted(_union_of_all(everyone)))}
    masks = {
        name: {group: sum(1 << order[patient] for patient in patients) for group, patients in own.items()}
        for name, own in everyone.items()
    }
    shown = {name: [group for group in own if own[group].bit_count() >= MIN_PATIENTS] for name, own in masks.items()}
    for name, own in masks.items():
        while shown[name] and 0 < _rest(shown[name], own).bit_count() < MIN_PATIENTS:
            _hide_smallest(shown[name], own)
    while (exposing := _find_exposing(shown, masks)) is not None:
        _hide_smallest(shown[exposing], masks[exposing])
    return shown


def _shared(masks: Sequence[int]) -> int:
    """The patients of more than one of some groups."""
    return _union([one & other for one, other in combinations(masks, 2)])


def _union_of_all(everyone: Members) -> set[str]:
    return set().union(*(patients for own in everyone.values() for patients in own.values()))


def _hide_smallest(shown: list[str], groups: Mapping[str, int]) -> None:
    shown.remove(min(shown, key=lambda name: (groups[name].bit_count(), name)))


def _find_exposing(shown: Mapping[str, list[str]], masks: Masks) -> str | None:
    """An attribute of which too few are in several groups, or too few are left when groups are taken from another's."""
    for name, own in masks.items():
        if 0 < _shared([own[group] for group in shown[name]]).bit_count() < MIN_PATIENTS:
            return name
    blocks = {name: _ways_to_divide(shown[name], own) for name, own in masks.items()}
    for inner, outer in permutations(masks, 2):
        for parts, others in product(blocks[inner], blocks[outer]):
            if any(_leaves_few(patients, others) for patients in _unions(parts)):
                return inner
    return None


def _leaves_few(patients: int, blocks: Sequence[int]) -> bool:
    """Whether the blocks that hold some patients hold a few more."""
    around = _union([block for block in blocks if block & patients])
    return patients & ~around == 0 and 0 < (around & ~patients).bit_count() < MIN_PATIENTS


def _ways_to_divide(shown: Sequence[str], groups: Mapping[str, int]) -> list[list[int]]:
    """The blocks of an attribute; where shown groups share patients, also these as one block beside what is left."""
    blocks = _blocks(shown, groups)
    shared = _shared([groups[name] for name in shown])
    return [blocks, [shared, *(block & ~shared for block in blocks if block & ~shared)]] if shared else [blocks]


def _blocks(shown: Sequence[str], groups: Mapping[str, int]) -> list[int]:
    """The shown groups, and all others as one: its mean follows from theirs and the split's."""
    rest = _rest(shown, groups)
    return [*(groups[name] for name in shown), *([rest] if rest else [])]


def _rest(shown: Sequence[str], groups: Mapping[str, int]) -> int:
    return _union([mask for name, mask in groups.items() if name not in shown])


def _unions(blocks: Sequence[int]) -> Iterator[int]:
    """All unions of blocks; of very many blocks those of one or two, and of all but one or two."""
    most = len(blocks) if len(blocks) <= MOST_BLOCKS else 2
    for number in range(1, most + 1):
        for chosen in combinations(blocks, number):
            yield _union(chosen)
            if most < len(blocks):
                yield _union([block for block in blocks if block not in chosen])


def _union(masks: Sequence[int]) -> int:
    return reduce(or_, masks, 0)


def _public_rows(rows: pd.DataFrame, splits: list[str]) -> pd.DataFrame:
    """The slices of some splits, without a score that too few patients of the split have, as without foreground."""
    rows = rows[rows["split"].isin(splits)]
    for name in MEANS:
        known = rows.dropna(subset=name).groupby("split")["patient_id"].nunique()
        rows = rows.assign(**{name: rows[name].mask(rows["split"].map(known).fillna(0) < MIN_PATIENTS)})
    return rows


def _incomplete(slice_rows: pd.DataFrame, split: str) -> dict[str, float]:
    """No value of the scores that some patient of a split lacks: a group's mean may be one patient's, unseen."""
    patients = slice_rows[slice_rows["split"] == split].groupby("patient_id")[GROUP_SCORES].mean()
    return {str(name): math.nan for name in GROUP_SCORES if patients[name].isna().any()}


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
