import dataclasses
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent
from monai_vq.report.disclosure import MIN_PATIENTS
from monai_vq.report.groups import ATTRIBUTES
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.public import TITLE, choose_public, large_splits, public_content, public_groups
from monai_vq.report.scores import RunScores
from monai_vq.report.tables import slice_table


def partition(**numbers):
    """Patients of one group each, numbered through."""
    groups = [name for name, number in numbers.items() for _ in range(number)]
    return cells(diagnosis=dict(enumerate(groups)))


def cells(**attributes):
    """The table of `choose_public`: of each attribute the group of each patient, or a list of them, one a visit."""
    rows = []
    for patient in next(iter(attributes.values())):
        own = {name: groups[patient] for name, groups in attributes.items()}
        visits = max(len(group) if isinstance(group, list) else 1 for group in own.values())
        for visit in range(visits):
            at = {name: group[visit] if isinstance(group, list) else group for name, group in own.items()}
            rows.append({"patient_id": f"p{patient}", **at})
    table = pd.DataFrame(rows)
    return table.groupby(list(table)).size().rename("n_slices").reset_index()


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
    assert choose_public(partition(**numbers))["diagnosis"] == shown


# [patients of both groups, what may be shown]; of 34 or more, the sum of the groups' means tells those of both
SHARED = [(0, ["60–69", "70–79"]), (4, ["60–69"]), (5, ["60–69", "70–79"])]


@pytest.mark.parametrize(("number", "shown"), SHARED)
def test_few_patients_of_two_groups_hide_one_of_them(number, shown):
    both = {at: ["60–69", "70–79"] for at in range(18, 18 + number)}
    ages = {at: "60–69" if at < 18 else "70–79" for at in range(35)} | both
    assert choose_public(cells(sex=dict.fromkeys(ages, "F"), age=ages)) == {"sex": ["F"], "age": shown}


def test_what_two_groups_share_is_not_shown_beside_all_but_one_of_it():
    """Session 2 is the sum of the six who came twice, of whom five are in their sixties."""
    ages = {at: "60–69" if at < 5 else "50–59" for at in range(11)}
    sessions = {at: ["session 1", "session 2"] if at < 6 else "session 1" for at in range(11)}
    assert choose_public(cells(age=ages, session=sessions)) == {"age": ["50–59", "60–69"], "session": ["session 1"]}


def test_the_change_of_few_patients_between_visits_is_not_shown():
    """The split less its first sessions is half of what the four who came twice changed by."""
    sessions = {at: ["session 1", "session 2"] if at < 4 else "session 1" for at in range(20)}
    assert choose_public(cells(session=sessions)) == {"session": []}


def test_groups_that_differ_by_few_patients_from_anothers_attribute_are_not_shown_together():
    diagnoses = {at: "CN" if at < 20 else "AD" for at in range(40)}
    sites = {at: "S1" if at < 17 else "S2" for at in range(40)}  # CN without S1 are three
    assert choose_public(cells(diagnosis=diagnoses, site=sites)) == {"diagnosis": ["AD", "CN"], "site": []}


def test_three_attributes_together_are_searched():
    """Any two groups differ by six, but sex and source less those out of diagnosis are 0, 1 and 2, twice."""
    members = {"diagnosis": [*range(6)], "sex": [0, 1, 2, 6, 7, 8], "source": [0, 1, 2, 9, 10, 11]}
    table = cells(**{name: {at: "in" if at in own else "out" for at in range(12)} for name, own in members.items()})
    for name in members:
        other = choose_public(table.drop(columns=name))
        assert all(groups == ["in", "out"] for groups in other.values())
    assert choose_public(table) == {"diagnosis": ["in", "out"], "sex": ["in", "out"], "source": []}


def given_away(table, shown, most=MIN_PATIENTS - 1):
    """Whether trying every set of up to four patients finds one of whom alone some combination of means is."""
    patients = sorted(table["patient_id"].unique())
    total = table.groupby("patient_id")["n_slices"].transform("sum")
    published = [table["n_slices"] / total]
    for name, groups in shown.items():
        for group in groups:
            own = table["n_slices"].where(table[name] == group, 0)
            published.append((own / own.groupby(table["patient_id"]).transform("sum")).fillna(0))
    exact = np.array(published)
    members = np.array([sums.gt(0).groupby(table["patient_id"]).any().loc[patients] for sums in published], dtype=float)
    owners = table["patient_id"].to_numpy()
    return any(
        np.linalg.matrix_rank(rows[:, ~np.isin(whose, few)]) < np.linalg.matrix_rank(rows)
        for rows, whose in ((exact, owners), (members, np.array(patients)))
        for number in range(1, most + 1)
        for few in combinations(patients, number)
    )


def make_cohort(rng, number):
    """Patients with one to three visits; diagnosis and age may change between them."""
    visits = rng.integers(1, 4, number) if rng.random() < 0.5 else np.ones(number, dtype=int)
    diagnosis, sex, source = (rng.choice(k, number, p=rng.dirichlet(np.ones(k))) for k in (3, 2, 2))
    return cells(
        diagnosis={at: [str(diagnosis[at] + (rng.random() < 0.2)) for _ in range(visits[at])] for at in range(number)},
        sex={at: "FM"[sex[at]] for at in range(number)},
        session={at: [f"session {visit}" for visit in range(1, visits[at] + 1)] for at in range(number)},
        source={at: f"s{source[at]}" for at in range(number)},
    )


@pytest.mark.parametrize("seed", range(16))
def test_no_set_of_few_patients_follows_from_what_is_shown_and_no_more_could_be(seed):
    table = make_cohort(np.random.default_rng(seed), 11)
    shown = choose_public(table)
    assert not given_away(table, shown)
    for name in shown:
        for group in set(table[name]) - set(shown[name]):
            assert given_away(table, shown | {name: [*shown[name], group]})


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_published_table_gives_nobody_away(seed):
    """From slices and what is known of the scans to the rows that are shown, which are then attacked."""
    rng = np.random.default_rng(seed)
    table = make_cohort(rng, 12)
    scans = table.assign(scan_id=[f"scan {number}" for number in range(len(table))], session_id=table["session"])
    people = scans.assign(age=np.nan, site="")[PEOPLE_COLUMNS]
    rows = scans.loc[scans.index.repeat(scans["n_slices"])].assign(split="test", bits_per_pixel=0.5)
    rows = rows.assign(**{name: rng.random(len(rows)) for name in ("ssim", "ssim_foreground", "psnr", "mse", "mae")})
    rows = rows.assign(slice_index=rows.groupby("scan_id").cumcount())
    published = public_groups(slice_table(rows), people)
    shown = {name: list(own["group"]) for name, own in published.groupby("attribute")}
    assert shown
    assert not given_away(table, shown)
    for row in published.to_dict("records"):
        inside = rows[rows[row["attribute"]] == row["group"]]
        assert row["ssim"] == pytest.approx(inside.groupby("patient_id")["ssim"].mean().mean())


def test_the_attack_finds_a_patient_where_groups_are_only_large_enough():
    """By the rule of five patients a group alone, half of such cohorts give somebody away."""
    found = 0
    for seed in range(10):
        table = make_cohort(np.random.default_rng(seed), 11)
        sizes = {name: table.groupby(name)["patient_id"].nunique() for name in ("diagnosis", "sex", "source")}
        found += given_away(table, {name: list(own.index[own >= MIN_PATIENTS]) for name, own in sizes.items()})
    assert found >= 5


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


def test_a_score_that_some_slice_lacks_is_left_out(scores, people):
    """Of the patients of train, the mean would be over all but that slice, and what it lacks the slice's."""
    lacking = (scores.model["scan_id"] == "sub-train03_ses-01") & (scores.model["slice_index"] == 2)
    one = scores.model.assign(ssim_foreground=scores.model["ssim_foreground"].mask(lacking))
    content = public_content(ReportContent(RunScores(one, scores.latent), people))
    assert content.scores.model["ssim_foreground"].isna().all()
    assert content.scores.model["ssim"].notna().all()


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
