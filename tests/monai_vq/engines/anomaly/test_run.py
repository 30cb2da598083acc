import gc
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from monai_vq.anomaly.evaluation import METHODS
from monai_vq.anomaly.lesions import TESTING
from monai_vq.data import read_manifest, read_splits, records_of_split, write_splits
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.engines.anomaly import mapping
from monai_vq.engines.anomaly.run import AnomalyRun
from monai_vq.engines.priors.load import PriorRun, load_prior
from monai_vq.errors import InputError
from monai_vq.priors import Prior


@pytest.fixture(scope="module")
def prior_run(tiny_prior) -> PriorRun:
    return load_prior(tiny_prior)


@pytest.fixture(scope="module")
def mapped(prior_run, tiny_dataset, tmp_path_factory):
    """The maps of the test scan."""
    folder = tmp_path_factory.mktemp("maps")
    AnomalyRun(prior_run, tiny_dataset, folder, num_restorations=1).run()
    return folder


@pytest.fixture(scope="module")
def evaluated(prior_run, tiny_dataset, tmp_path_factory):
    """The maps measured on lesions; the tiny brains lie nearer to the surface than real ones."""
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        give_room(patch)
        AnomalyRun(prior_run, tiny_dataset, folder, plant_lesions=True, num_restorations=1).run()
    return folder


def give_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("monai_vq.anomaly.lesions.SURFACE_MM", 0.0)
    patch.setattr("monai_vq.anomaly.lesions.APART", 0.5)


@pytest.fixture
def one_without_site(monkeypatch, tiny_dataset) -> str:
    """The name of a training scan in which no lesion finds a site."""
    give_room(monkeypatch)
    train = records_of_split(read_splits(tiny_dataset), read_manifest(tiny_dataset), "train")
    plant_lesions = mapping.plant_lesions

    def plant(images, foreground, positions_mm, spacing, lesion_set, scan_id, seed):
        free = foreground & (scan_id != train[1].scan_id)
        return plant_lesions(images, free, positions_mm, spacing, lesion_set, scan_id, seed)

    monkeypatch.setattr(mapping, "plant_lesions", plant)
    return train[1].scan_id


def test_maps_lie_over_the_scan(mapped, tiny_dataset):
    (record,) = [r for r in read_manifest(tiny_dataset) if (mapped / f"maps/{r.scan_id}_likelihood.nii.gz").exists()]
    volume = nib.load(mapped / f"maps/{record.scan_id}_likelihood.nii.gz")
    source = nib.load(tiny_dataset.parent / "bids" / record.source)
    np.testing.assert_allclose(volume.affine, source.affine, atol=1e-5)
    assert volume.shape == source.shape
    slices = np.flatnonzero(volume.get_fdata().any(axis=(0, 1)))
    assert slices.tolist() == list(record.slice_indices)
    assert sorted(path.name for path in (mapped / "maps").iterdir()) == [
        f"{record.scan_id}_{name}.nii.gz" for name in ("likelihood", "restoration")
    ]


def test_a_scan_has_a_row_of_what_its_maps_say(mapped, prior_run, tiny_dataset):
    (row,) = pd.read_csv(mapped / "anomaly.csv").to_dict("records")
    volume = nib.load(mapped / f"maps/{row['scan_id']}_likelihood.nii.gz").get_fdata()
    assert row["likelihood_mean"] == pytest.approx(volume[volume != 0].mean(), rel=1e-3)
    run = AnomalyRun(prior_run, tiny_dataset, mapped)
    (scan,) = run.map_scans(run.learn_normal(), tiny_dataset, "test", None)
    codes, side = prior_run.network.encode_latent(scan.stack.images)
    bits = -prior_run.prior.log_prob(codes, side, scan.stack.condition).detach()
    assert row["bits_per_pixel"] == pytest.approx(bits.mean().item() / 32**2, rel=1e-4)


def test_lesions_are_scored_by_every_method(evaluated):
    scans, methods = (pd.read_csv(evaluated / f"{name}.csv") for name in ("anomaly", "anomaly_methods"))
    assert methods["method"].tolist() == list(METHODS)
    assert scans["method"].tolist() == list(METHODS)  # one test patient
    assert scans["auroc"].between(0, 1).all()
    lesions = pd.read_csv(evaluated / "anomaly_lesions.csv")
    wanted = sum(len(strengths) for strengths in TESTING.strengths.values())
    assert len(lesions) == wanted * len(METHODS)
    assert "AUROC" in (evaluated / "index.html").read_text()


def test_the_planted_scan_and_its_lesions_are_written_beside_the_maps(evaluated, tiny_dataset):
    (labels_path,) = (evaluated / "maps").glob("*_lesions.nii.gz")
    scan_id = labels_path.name.removesuffix("_lesions.nii.gz")
    labels = np.asarray(nib.load(labels_path).dataobj)
    planted = nib.load(evaluated / "maps" / f"{scan_id}_planted.nii.gz").get_fdata()
    source = nib.load(tiny_dataset.parent / f"bids/{scan_id}/anat/{scan_id}_T1w.nii.gz").get_fdata()
    record = next(r for r in read_manifest(tiny_dataset) if r.scan_id == scan_id)
    window = np.clip((source - record.window_low) / (record.window_high - record.window_low), 0, 1)
    lesions = pd.read_csv(evaluated / "anomaly_lesions.csv")
    for number, strength in enumerate(lesions["strength"].head(4), start=1):  # not the textures
        change = (planted - window)[labels == number]
        assert (np.sign(change[np.abs(change) > 0.05]) == np.sign(strength)).all()


def test_a_scans_draws_depend_on_its_seed_and_name_alone(prior_run, tiny_dataset, tmp_path, monkeypatch):
    sample, seeds = Prior.sample, []

    def remember(*arguments, **options):
        seeds.append(options["generator"].initial_seed())
        return sample(*arguments, **options)

    monkeypatch.setattr(Prior, "sample", remember)

    def draw(seed: int, split: str) -> list[int]:
        run = AnomalyRun(prior_run, tiny_dataset, tmp_path, num_restorations=1, seed=seed)
        mapper = replace(run.learn_normal(), unlikely_from=-np.inf)
        seeds.clear()
        list(run.map_scans(mapper, tiny_dataset, split, None))
        return list(seeds)

    one, same, other = draw(0, "train"), draw(0, "train"), draw(1, "train")
    assert one == same
    assert len(set(one + other)) == 2 * 4  # each of the scans has draws of its own
    assert not set(draw(0, "test")) & set(one)


def test_patients_that_the_prior_has_seen_are_said(prior_run, tiny_dataset, tmp_path):
    AnomalyRun(prior_run, tiny_dataset, tmp_path, split="val", num_restorations=1).run()
    assert "The prior has seen patients of the val split" in (tmp_path / "index.html").read_text()


def test_a_scan_without_a_site_is_left_out_and_named(prior_run, tiny_dataset, tmp_path, one_without_site):
    AnomalyRun(
        prior_run, tiny_dataset, tmp_path, split="train", plant_lesions=True, num_restorations=1, batch_size=8
    ).run()
    (row,) = pd.read_csv(tmp_path / "anomaly_left_out.csv").to_dict("records")
    assert (row["split"], row["scan_id"]) == ("train", one_without_site)
    assert "has no site for a lesion" in row["reason"]
    scans = pd.read_csv(tmp_path / "anomaly.csv")
    assert scans["scan_id"].nunique() == 3
    assert scans["method"].tolist() == [method for method in METHODS for _ in range(3)]
    assert one_without_site not in set(scans["scan_id"])
    assert (
        f"Left out, without a site for every lesion (1 in all): {one_without_site} (train)."
        in (tmp_path / "index.html").read_text()
    )


def test_where_no_scan_is_left_the_reason_is_said(prior_run, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("monai_vq.anomaly.lesions.SURFACE_MM", 1e3)
    with pytest.raises(
        InputError, match=r"no scan of the val split of .* can hold the lesions; first: scan .* no site"
    ):
        AnomalyRun(prior_run, tiny_dataset, tmp_path, plant_lesions=True, num_restorations=1).run()


def test_scans_are_not_kept(prior_run, tiny_dataset, tmp_path, monkeypatch):
    known: list[weakref.ref] = []

    def map_scans(self, *arguments) -> Iterator[mapping.MappedScan]:
        for scan in real(self, *arguments):
            gc.collect()
            assert sum(one() is not None for one in known) <= 1  # the one before
            known.append(weakref.ref(scan.maps))
            yield scan

    real = AnomalyRun.map_scans
    monkeypatch.setattr(AnomalyRun, "map_scans", map_scans)
    AnomalyRun(prior_run, tiny_dataset, tmp_path, split="train", num_restorations=1).run()
    assert len(known) == 4


def test_a_moved_dataset_of_the_prior_gives_the_same_maps(mapped, prior_run, tiny_dataset, tmp_path):
    moved = replace(prior_run, dataset_dir=str(tmp_path / "gone"))
    AnomalyRun(moved, tiny_dataset, tmp_path, num_restorations=1, prior_dataset_dir=str(tiny_dataset)).run()
    assert (tmp_path / "anomaly.csv").read_bytes() == (mapped / "anomaly.csv").read_bytes()


def test_patients_seen_under_another_division_are_said(prior_run, tiny_dataset, tmp_path):
    folder: Path = tmp_path / "again"
    shutil.copytree(tiny_dataset, folder)
    splits = read_splits(tiny_dataset)
    train, test = splits.splits["train"], splits.splits["test"]
    swapped = {**splits.splits, "train": sorted(train[1:] + test), "test": train[:1]}
    write_splits(folder / SPLITS_NAME, replace(splits, splits=swapped))
    AnomalyRun(prior_run, folder, tmp_path / "maps", num_restorations=1).run()
    page = (tmp_path / "maps" / "index.html").read_text()
    assert f"The prior has seen patients of this split (1 of 1: {train[0]})" in page
