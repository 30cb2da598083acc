import base64

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.figures import HISTORY_PANELS, draw_history, draw_patients, draw_pictures
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import ScoreTables


def test_baselines_and_lone_patients_are_drawn(scores):
    model, baselines = ScoreTables.of_model(scores), ScoreTables.of_baselines(scores)
    alone = draw_patients({"model": model})
    assert draw_patients({"model": model, **baselines}) != alone
    one = scores.model[scores.model["patient_id"] == "sub-test00"]
    lone = ScoreTables.of_model(type(scores)(one, scores.latent))
    assert draw_patients({"model": lone}).startswith("data:image/svg+xml")


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_error_scale_is_shared_and_stated(shape):
    x = np.full(shape, 0.5)
    pictures = [
        PatientPicture(rank, "test", "p", "p", 0, 0.9, x, x + shift)
        for rank, shift in [("best", 0.01), ("median", 0.02), ("worst", 0.3)]
    ]
    figure, top = draw_pictures(pictures)
    assert figure.startswith("data:image/png")
    assert top == pytest.approx(0.3)


def test_a_perfect_reconstruction_has_a_scale_too():
    x = np.full((20, 20), 0.5)
    assert draw_pictures([PatientPicture("best", "test", "p", "p", 0, 1.0, x, x)])[1] > 0


def test_history_draws_what_is_there():
    epochs = pd.DataFrame({"epoch": range(1, 7), "train_loss": np.geomspace(1, 0.1, 6)})
    alone = draw_history(epochs)
    with_validation = draw_history(epochs.assign(val_ssim=[None, 0.5, None, 0.6, None, 0.7]))
    assert None not in (alone, with_validation)
    assert alone != with_validation
    assert draw_history(epochs.assign(unknown=1)) == alone
    assert draw_history(epochs.assign(val_ssim=np.nan)) == alone
    assert draw_history(epochs.assign(train_quantization=0.0, val_quantization=[None, 0, None, 0, None, 0])) == alone


def test_training_and_held_out_losses_share_a_panel():
    """The four curves of the projected report."""
    together = [columns for _, columns, _ in HISTORY_PANELS]
    assert ["train_reconstruction", "val_mse"] in together
    assert ["train_quantization", "val_quantization"] in together
    steps = pd.DataFrame({"epoch": [1, 2], "train_quantization": [0.2, 0.1], "val_quantization": [np.nan, 0.15]})
    assert draw_history(steps) != draw_history(steps.drop(columns="val_quantization"))


@pytest.mark.parametrize("history", [pd.DataFrame(), pd.DataFrame({"epoch": [1, 2]})])
def test_no_curve_no_figure(history):
    assert draw_history(history) is None


def test_a_loss_that_is_not_positive_is_drawn_on_a_linear_scale():
    history = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [0.5, 0.0, -0.1]})
    assert draw_history(history).startswith("data:image/svg+xml")


def test_a_public_chart_has_no_points_and_does_not_show_who_is_extreme(scores):
    tables = ScoreTables.of_model(scores)
    chart = draw_patients({"model": tables}, public=True)
    assert b"<image" in base64.b64decode(draw_patients({"model": tables}).split(",")[1])  # points are rasterized
    assert b"<image" not in base64.b64decode(chart.split(",")[1])
    moved = tables.patients.copy()  # two patients change, the mean and the deviation of their split do not
    train = moved.index[moved["split"] == "train"]
    for name in ("ssim", "ssim_foreground", "psnr"):
        values = moved.loc[train, name]
        moved.loc[train, name] = 2 * values.mean() - values
    assert draw_patients({"model": ScoreTables(tables.slices, moved, tables.splits)}, public=True) == chart
