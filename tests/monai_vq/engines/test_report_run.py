import json

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.metrics import structural_similarity

from monai_vq.engines import AutocastInferer, RunReport
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import write_checkpoint
from monai_vq.report import read_content, write_page

HISTORY = {"epoch": [1], "iteration": [6], "minutes": [0.1], "learning_rate": [0.1], "train_reconstruction": [0.1]}


@pytest.fixture
def make_report(tmp_path, make_network, loaders):
    """A run whose best checkpoint is not the network that the report is given."""

    def make(num_embeddings=8, checkpoint_of=None):
        network, best = make_network(num_embeddings), make_network(checkpoint_of or num_embeddings)
        with torch.no_grad():
            for parameter in best.parameters():
                parameter.mul_(0.5)
        record = {"split_sha256": "abcdef", "monai_vq": "0.1.0"}
        checkpoint = {"network": best.state_dict(), "best_metric_epoch": 1, "record": record}
        run = tmp_path / "run"
        write_checkpoint(run / "checkpoints/best.pt", checkpoint)
        pd.DataFrame(HISTORY | {"val_ssim": [0.5], "val_mse": [0.1]}).to_csv(run / "metrics.csv", index=False)
        (run / "config.json").write_text(json.dumps({"seed": 5, "image_size": [32, 32], "train": {}}))
        (run / "environment.json").write_text(json.dumps({"torch": "9.9.9"}))
        return RunReport(run, network, loaders, "cpu", AutocastInferer()), best.eval()

    return make


def test_the_best_checkpoint_is_what_is_scored(make_report, loaders, capsys):
    report, best = make_report()
    page = report.run()
    slices = pd.read_csv(page.parent / "ssim_slices.csv")
    with torch.no_grad():
        x = loaders["test"].dataset[0]["image"][None]
        expected = (x - best(x).x_hat.clamp(0, 1)).square().mean().item()
    assert slices.query("split == 'test'")["mse"].iloc[0] == pytest.approx(expected, rel=1e-4)
    assert capsys.readouterr().out.strip().endswith(f"report: {page}")


def test_the_page_shows_settings_environment_and_origin(make_report):
    text = make_report()[0].run().read_text()
    assert "9.9.9" in text
    assert "abcdef" in text
    assert "cpu, precision fp32" in text
    assert "mean training image" in text


@pytest.mark.parametrize(("num_embeddings", "bits"), [(8, 3 / 16), (1, 8 * 32 / 16)])
def test_the_rate_is_counted_from_the_latents(make_report, num_embeddings, bits):
    report_dir = make_report(num_embeddings)[0].run().parent
    for level in ("slices", "patients", "splits"):
        assert (pd.read_csv(report_dir / f"ssim_{level}.csv")["bits_per_pixel"] == bits).all()
    splits = pd.read_csv(report_dir / "ssim_splits.csv")
    assert splits["bits_per_pixel_entropy"].isna().all() == (num_embeddings == 1)
    assert pd.read_csv(report_dir / "ssim_baselines.csv")["bits_per_pixel"].isna().all()


def test_tensorboard_gets_the_best_checkpoints_codebook_also_without_a_test_split(make_report, loaders):
    report, best = make_report()
    del loaders["test"]
    assert "of the val split" in report.run().read_text().replace("<strong>", "").replace("</strong>", "")
    (tensors,) = (report.run_dir / "tensorboard").rglob("tensors.tsv")
    codewords = pd.read_csv(tensors, sep="\t", header=None).to_numpy()
    assert codewords == pytest.approx(best.quantizer.codebook.embedding.numpy(), rel=1e-6)
    (config,) = (report.run_dir / "tensorboard").rglob("projector_config.pbtxt")
    assert str(tensors.relative_to(config.parent)) in config.read_text()
    (metadata,) = (report.run_dir / "tensorboard").rglob("metadata.tsv")
    counts = pd.read_csv(metadata, sep="\t")["count"]
    assert counts.sum() == 16 * 64  # of the training split


def test_an_autoencoder_has_no_codebook_to_show(make_report):
    report, _ = make_report(1)
    assert "This model has no codebook" in report.run().read_text()
    assert not (report.run_dir / "tensorboard").exists()


def test_another_networks_checkpoint_is_refused(make_report):
    with pytest.raises(InputError, match="belongs to another network"):
        make_report(8, checkpoint_of=16)[0].run()


def test_a_run_without_a_best_checkpoint_is_refused(make_report):
    report, _ = make_report()
    (report.run_dir / "checkpoints/best.pt").unlink()
    with pytest.raises(InputError, match=r"no checkpoint at .*best\.pt"):
        report.run()


def test_the_baselines_scores_are_in_a_table_of_their_own(make_report):
    page = make_report()[0].run()
    table = pd.read_csv(page.parent / "ssim_baselines.csv")
    assert list(table.columns[:3]) == ["reconstruction", "split", "ssim"]
    assert table.groupby("reconstruction")["split"].apply(list).tolist() == [["train", "val", "test"]] * 3
    mean_image = table.query("reconstruction == 'mean training image' and split == 'train'")
    assert mean_image["mse"].item() > 0


def test_the_written_ssim_of_every_slice_is_scikit_images(make_report, loaders):
    report, best = make_report()
    written = pd.read_csv(report.run().parent / "ssim_slices.csv").set_index(["scan_id", "slice_index"])
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1, "full": True}
    items = [item for loader in loaders.values() for item in loader.dataset]
    assert len(items) == len(written) == 24
    for item in items:
        x = item["image"][None].as_tensor()
        with torch.no_grad():
            x_hat = best(x).x_hat.clamp(0, 1)
        images = [image[0, 0].double().numpy() for image in (x, x_hat)]
        ssim, every_pixel = structural_similarity(*images, **settings)
        row = written.loc[item["scan_id"], item["slice_index"]]
        assert row["ssim"] == pytest.approx(ssim, abs=1e-4)
        assert row["ssim_foreground"] == pytest.approx(every_pixel[item["mask"][0].numpy() > 0].mean(), abs=1e-4)


def test_the_page_can_be_written_again_from_what_the_run_keeps(make_report, tmp_path):
    page = make_report()[0].run()
    content = read_content(page.parents[1])
    assert write_page(tmp_path / "again", content).read_bytes() == page.read_bytes()
    slices = pd.read_csv(page.parent / "ssim_slices.csv")
    for name, rows in {"model": content.scores.model, **content.scores.baselines}.items():
        assert rows["slice_index"].tolist() == slices["slice_index"].tolist(), name
    assert content.scores.model["mse"].to_numpy() == pytest.approx(slices["mse"].to_numpy(), rel=1e-8)
    assert np.isnan(content.scores.baselines["shifted input (1 px)"]["bits_per_pixel"]).all()


def test_the_groups_are_of_the_datasets_people(make_report):
    page = make_report()[0].run()
    people = read_content(page.parents[1]).people
    assert people["source"].tolist() == ["bids"] * 6
    assert people["patient_id"].nunique() == 6
    assert pd.read_csv(page.parent / "ssim_groups.csv").empty  # nothing else is known
    assert "does not say of any scan: diagnosis, sex, age, session, site." in page.read_text()


def test_runs_of_different_networks_keep_some_pictures_of_the_same_slices(make_report):
    """The best, the median and the worst patient and slice may be others in each run; the drawn ones are not."""
    kept = []
    for num_embeddings in (8, 1):
        report, _ = make_report(num_embeddings)
        report.run()
        pictures = read_content(report.run_dir).pictures
        kept.append({(one.scan_id, one.slice_index): one.x for one in pictures})
        assert len(kept[-1]) == len(pictures)  # none is kept twice
    shared = kept[0].keys() & kept[1].keys()
    assert shared
    assert all(np.array_equal(kept[0][place], kept[1][place]) for place in shared)
