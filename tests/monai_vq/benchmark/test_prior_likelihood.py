import math
import re

import pandas as pd
import pytest
import torch

from monai_vq.benchmark.prior_likelihood import MonaiPrior, compare_likelihood, lines
from monai_vq.errors import InputError
from monai_vq.priors import from_monai


def test_the_peers_bits_are_those_of_its_weights_in_our_prior():
    torch.manual_seed(0)
    sizes = {"attn_layers_dim": 8, "attn_layers_depth": 1, "attn_layers_heads": 2}
    peer = MonaiPrior(5, (3, 2), sizes, "cpu")
    codes = torch.randint(0, 5, (4, 3, 2))
    peer.network.to_logits.bias.data[5] = -math.inf  # the begin token, which takes probability in MONAI's
    ours = from_monai(peer.network, (3, 2)).bits(codes, torch.zeros(4, 0, 3, 2)).codes.flatten(1)
    assert torch.allclose(peer.bits(codes), ours, atol=1e-4)


def test_a_finished_run_is_compared_on_the_patients_that_it_was_not_trained_on(tiny_prior, capsys):
    table = compare_likelihood(tiny_prior, "cpu").set_index("model")
    stored = pd.read_csv(tiny_prior / "report" / "prior_splits.csv").set_index(["model", "split"])["bits_per_code"]
    for model in ("prior", "order 0", "uniform"):
        assert table.loc[model].tolist() == stored[model][["val", "test"]].tolist()
    validations = [float(value) for value in re.findall(r"validation ([0-9.]+) bits", capsys.readouterr().err)]
    assert validations[-1] < validations[0]  # it learns, for as many epochs as the run
    assert table.loc["MONAI transformer", "val"] == pytest.approx(min(validations), abs=1e-3)
    shown = list(lines(table.reset_index()))
    assert [line.split("  ")[0].strip() for line in shown[1:]] == table["test"].sort_values().index.tolist()


def test_a_folder_without_a_prior_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run in"):
        compare_likelihood(tmp_path, "cpu")
