import json

import pandas as pd
import pytest
import torch

from monai_vq.engines import AutocastInferer, RunReport
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import write_checkpoint

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
    assert "mean training image" in text


@pytest.mark.parametrize(("num_embeddings", "bits"), [(8, 3 / 16), (1, 8 * 32 / 16)])
def test_the_rate_is_read_off_an_encoded_image(make_report, num_embeddings, bits):
    latent = make_report(num_embeddings)[0].latent_format()
    assert latent.bits_per_pixel == bits


def test_another_networks_checkpoint_is_refused(make_report):
    with pytest.raises(InputError, match="belongs to another network"):
        make_report(8, checkpoint_of=16)[0].run()


def test_a_run_without_a_best_checkpoint_is_refused(make_report):
    report, _ = make_report()
    (report.run_dir / "checkpoints/best.pt").unlink()
    with pytest.raises(InputError, match=r"no checkpoint at .*best\.pt"):
        report.run()


def test_the_page_says_the_epochs_that_counted_and_how_it_was_scored(make_report):
    report, _ = make_report()
    config = {"max_epochs": 100, "train": {"trainer": {"max_epochs": 7}}}
    (report.run_dir / "config.json").write_text(json.dumps(config))
    settings = report._settings({"best_metric_epoch": 1, "record": {}}, pd.DataFrame(HISTORY))
    assert settings["settings"]["max_epochs"] == 7
    assert settings["trained"] == "1 epochs, 6 steps, 0.1 minutes"
    assert settings["scored on"] == "cpu, precision fp32"


def test_the_baselines_scores_are_in_a_table_of_their_own(make_report):
    page = make_report()[0].run()
    table = pd.read_csv(page.parent / "ssim_baselines.csv")
    assert list(table.columns[:3]) == ["reconstruction", "split", "ssim"]
    assert table.groupby("reconstruction")["split"].apply(list).tolist() == [["train", "val", "test"]] * 2
    mean_image = table.query("reconstruction == 'mean training image' and split == 'train'")
    assert mean_image["mse"].item() > 0
