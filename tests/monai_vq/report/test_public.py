import dataclasses
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent
from monai_vq.report.groups import ATTRIBUTES
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.public import MIN_PATIENTS, TITLE, choose_public, large_splits, public_content, public_groups
from monai_vq.report.scores import RunScores
from monai_vq.report.tables import slice_table


def partition(**groups):
    """Groups by name from numbers of patients, numbered through."""
    parts, start = {}, 0
    for name, number in groups.items():
        parts[name] = {f"p{i}" for i in range(start, start + number)}
        start += number
    return parts


# [numbers of patients, what may be shown]
ALONE = [
    ({"a": 5, "b": 30}, ["a", "b"]),
    ({"a": 4, "b": 30}, []),  # b would give a away
    ({"a": 4, "b": 6, "c": 30}, ["c"]),  # a and b together are ten
    ({"a": 4, "b": 1, "c": 30}, ["c"]),  # five hide each other
    ({"a": 3, "b": 1, "c": 30, "d": 9}, ["c"]),
    ({"a": 2}, []),
]


@pytest.mark.parametrize(("numbers", "shown"), ALONE)
def test_small_groups_hide_and_so_does_what_would_give_them_away(numbers, shown):
    assert choose_public({"diagnosis": partition(**numbers)})["diagnosis"] == shown


def smallest_difference(shown, everyone):
    """The fewest patients that a union of one attribute's groups, or what they leave, has more than another's."""
    split = set().union(*everyone["diagnosis"].values())
    unions = [split]
    for name, groups in shown.items():
        blocks = [everyone[name][group] for group in groups]
        blocks.append(split - set().union(*blocks))
        for number in range(1, len(blocks) + 1):
            unions += [set().union(*chosen) for chosen in combinations(blocks, number)]
    return min((len(a - b) for a in unions for b in unions if b < a), default=MIN_PATIENTS)


# [patients of both groups, what may be shown]; of 34 or more, the sum of the groups' means tells those of both
SHARED = [(0, ["60–69", "70–79"]), (4, ["60–69"]), (5, ["60–69", "70–79"])]


@pytest.mark.parametrize(("number", "shown"), SHARED)
def test_few_patients_of_two_groups_hide_one_of_them(number, shown):
    patients = [f"p{i}" for i in range(35)]
    ages = {"60–69": set(patients[: 18 + number]), "70–79": set(patients[18:])}
    everyone = {"age": ages, "sex": {"F": set(patients)}}
    assert choose_public(everyone) == {"age": shown, "sex": ["F"]}


def test_what_two_groups_share_is_not_shown_beside_all_but_one_of_it():
    """The sessions' sums less the split's are the sum of the six who came twice, of whom five are in their sixties."""
    patients = [f"p{i}" for i in range(11)]
    everyone = {
        "session": {"session 1": set(patients), "session 2": set(patients[:6])},
        "age": {"50–59": set(patients[5:]), "60–69": set(patients[:5])},
    }
    shown = choose_public(everyone)
    assert shown == {"session": ["session 1"], "age": ["50–59", "60–69"]}  # session 1 alone says nothing of the six


def test_groups_that_differ_by_few_patients_from_anothers_attribute_are_not_shown_together():
    few = {"p17", "p18", "p19"}  # CN without S1, or S2 without AD
    sites = {"S1": {f"p{i}" for i in range(17)}, "S2": {f"p{i}" for i in range(17, 40)}}
    everyone = {"diagnosis": partition(CN=20, AD=20), "site": sites}
    assert everyone["diagnosis"]["CN"] - sites["S1"] == sites["S2"] - everyone["diagnosis"]["AD"] == few
    shown = choose_public(everyone)
    assert smallest_difference(shown, everyone) >= MIN_PATIENTS
    assert max(len(groups) for groups in shown.values()) == 2  # of the two attributes one is shown


@pytest.mark.parametrize("seed", range(30))
def test_no_difference_of_shown_groups_is_of_few_patients(seed):
    rng = np.random.default_rng(seed)
    patients = [f"p{i}" for i in range(rng.integers(5, 60))]
    everyone = {}
    for name, number in (("diagnosis", 3), ("sex", 2), ("age", 5)):
        own = rng.choice(number, len(patients), p=rng.dirichlet(np.ones(number)))
        everyone[name] = {
            str(g): {p for p, one in zip(patients, own, strict=True) if one == g} for g in sorted(set(own))
        }
    shown = choose_public(everyone)
    assert all(len(everyone[name][group]) >= MIN_PATIENTS for name in shown for group in shown[name])
    assert smallest_difference(shown, everyone) >= MIN_PATIENTS


@pytest.fixture
def people(slices):
    scans = slice_table(slices).drop_duplicates("scan_id")
    number = scans["patient_id"].str[-2:].astype(int)
    return scans[["patient_id", "session_id", "scan_id"]].assign(
        diagnosis=np.where(number < 2, "AD", "CN"), sex=np.where(number % 2, "F", "M"), age=np.nan,
        site=np.where(number < 8, "Royal Hospital", "Elsewhere"), source="oasis2",
    )[PEOPLE_COLUMNS]  # fmt: skip


def test_a_split_of_few_patients_is_left_out_everywhere(scores, people, slices):
    history = pd.DataFrame({"epoch": [1], "train_loss": [0.5], "val_ssim": [0.9]})
    content = public_content(ReportContent(scores, people, history))
    assert large_splits(slices) == ["train"]
    assert set(content.scores.model["split"]) == set(content.scores.code_counts) == {"train"}
    assert all(set(rows["split"]) == {"train"} for rows in content.scores.baselines.values())
    assert content.history.columns.tolist() == ["epoch", "train_loss"]


def test_continuous_shares_of_a_small_split_are_left_out(scores, people):
    latent = dataclasses.replace(scores.latent, continuous={"train": 0.2, "test": 0.1})
    content = public_content(ReportContent(RunScores(scores.model, latent), people))
    assert content.scores.latent.continuous == {"train": 0.2}


def test_sites_have_numbers_by_size_and_pictures_and_the_title_go(scores, people):
    picture = PatientPicture("best", "test", "p", "s", 3, 0.9, np.zeros((2, 2)), np.zeros((2, 2)))
    content = public_content(ReportContent(scores, people, pictures=[picture], title="Reconstruction report: Royal"))
    assert set(content.people["site"][people["site"] == "Elsewhere"]) == {"site 2"}
    assert set(content.people["site"]) == {"site 1", "site 2"}
    assert (content.pictures, content.title) == ((), TITLE)


def test_the_rows_of_hidden_groups_are_gone(slices, people):
    rows = slice_table(slices)
    table = public_groups(rows[rows["split"] == "train"], people)
    assert set(table["attribute"]) == {"sex", "session"}  # of twelve two are AD, four from elsewhere
    assert (table["n_patients"] >= MIN_PATIENTS).all()
    assert set(table["attribute"]) <= set(ATTRIBUTES)


def test_a_score_that_few_patients_have_is_left_out(scores, people):
    """Of the twelve patients of train, the mean over those with foreground would be the one patient's own."""
    one = scores.model.assign(
        ssim_foreground=scores.model["ssim_foreground"].where(scores.model["patient_id"] == "sub-train03")
    )
    content = public_content(ReportContent(RunScores(one, scores.latent), people))
    assert content.scores.model["ssim_foreground"].isna().all()
    assert content.scores.model["ssim"].notna().all()


def test_groups_have_no_score_that_some_patient_lacks(slices, people):
    rows = slice_table(slices)
    rows = rows[rows["split"] == "train"]
    table = public_groups(rows, people)
    assert table["ssim_foreground"].notna().all()
    lacking = rows.assign(ssim_foreground=rows["ssim_foreground"].mask(rows["patient_id"] == "sub-train03"))
    table = public_groups(lacking, people)
    assert table["ssim_foreground"].isna().all()
    assert table["ssim"].notna().all()


# [setting, value, whether it may be shown]
SETTINGS = [
    ("seed", 3, True),
    ("image_size", [128, 96], True),
    ("trained", "12 epochs, 480 steps, 5.1 minutes", True),
    ("_target_", "monai_vq.networks.VQVAE", True),
    ("embedding", "@embedding_dim", True),
    ("max_minutes", None, True),
    ("dataset_dir", "oasis", False),
    ("tracking_uri", "sqlite:royal.db", False),
    ("finetune_from", "/home/jane.doe/runs/a", False),
    ("finetune_from", r"C:\runs\a", False),
    ("note", "Royal Hospital", False),
    ("note", "after sub-train03_ses-01 was repaired", False),
    ("codes", ["sub-val00"], False),
]


@pytest.mark.parametrize(("name", "value", "is_shown"), SETTINGS)
def test_settings_show_numbers_and_words_but_neither_places_nor_names(scores, people, name, value, is_shown):
    content = public_content(ReportContent(scores, people, settings={name: value, "Section": {name: value}}))
    assert content.settings == ({name: value, "Section": {name: value}} if is_shown else {"Section": {}})
