from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError

from monai_vq.metrics import PriorBits
from monai_vq.priors import LatentAlphabet, LatentBits

PATIENTS = ["A", "A", "A", "B"]
SIZE = (4, 8)  # pixels


@pytest.fixture
def batch():
    """Four slices of 2 x 3 codes with a gain each; every symbol has other bits."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 5, (4, 2, 3), generator=generator)
    bits = LatentBits(*(torch.rand(4, *shape, generator=generator) * 9 for shape in ((2, 3), (1, 2, 3), (2, 3))))
    ids = {"patient_id": PATIENTS, "session_id": [""] * 4, "scan_id": PATIENTS, "slice_index": torch.arange(4)}
    return ids | {"codes": codes, "bits": bits}


def part(batch, which):
    cut = {key: value[which] for key, value in batch.items() if key != "bits"}
    return cut | {"bits": LatentBits(*(bits[which] for bits in batch["bits"]))}


def evaluate(metric, batches):
    engine = Engine(lambda e, b: {"image": b["codes"], "pred": b["bits"]})
    metric.attach(engine, "log2_likelihood")
    engine.run(batches)
    return engine.state.metrics


def mean_of_patients(values):
    return (values[:3].mean() + values[3]).item() / 2


def test_the_mean_is_over_patients_whatever_the_batches(batch):
    alphabet = LatentAlphabet(5, num_gains=1, gain_bits=2)
    code_bits, gain_bits = (batch["bits"][i].flatten(1).sum(dim=1) for i in (0, 1))
    expected = mean_of_patients((code_bits + gain_bits) / 32)
    for batches in ([batch], [part(batch, slice(0, 2)), part(batch, slice(2, 4))]):
        metrics = evaluate(PriorBits(alphabet, SIZE), batches)
        assert metrics["log2_likelihood"] == pytest.approx(-expected, rel=1e-6)
        assert metrics["bits_per_pixel"] == pytest.approx(expected, rel=1e-6)
        assert metrics["bits_per_code"] == pytest.approx(mean_of_patients(code_bits / 6), rel=1e-6)
        assert metrics["bits_per_gain"] == pytest.approx(mean_of_patients(gain_bits / 6), rel=1e-6)
        assert np.isnan(metrics["density_per_vector"])


def test_bits_per_gain_are_of_the_gains_that_are_stored(batch):
    alphabet = LatentAlphabet(5, num_gains=1, gain_bits=2)
    alphabet.has_side.copy_(torch.tensor([True, False, False, False, True]))
    carried = alphabet.has_side[batch["codes"]]
    bits = batch["bits"]._replace(gains=batch["bits"].gains * carried.unsqueeze(1))
    metrics = evaluate(PriorBits(alphabet, SIZE), [batch | {"bits": bits}])
    sums, numbers = bits.gains.flatten(1).sum(dim=1), carried.flatten(1).sum(dim=1)
    expected = (sums[:3].sum() / numbers[:3].sum() + sums[3] / numbers[3]) / 2
    assert metrics["bits_per_gain"] == pytest.approx(expected.item(), rel=1e-6)


def test_the_density_of_vectors_is_apart_and_in_no_total(batch):
    alphabet = LatentAlphabet(5, vector_size=7)
    bits = batch["bits"]._replace(gains=torch.zeros(4, 0, 2, 3))
    metrics = evaluate(PriorBits(alphabet, SIZE), [batch | {"bits": bits}])
    assert metrics["bits_per_pixel"] == pytest.approx(mean_of_patients(bits.codes.flatten(1).sum(dim=1) / 32), rel=1e-6)
    assert metrics["density_per_vector"] == pytest.approx(mean_of_patients(bits.density.flatten(1).mean(1)), rel=1e-6)
    assert np.isnan(metrics["bits_per_gain"])


def test_rows_are_the_slices_of_the_epoch_before(batch):
    metric = PriorBits(LatentAlphabet(5, num_gains=1, gain_bits=2), SIZE)
    evaluate(metric, [batch])
    assert metric.rows["scan_id"].tolist() == PATIENTS
    assert metric.rows["slice_index"].tolist() == [0, 1, 2, 3]
    assert metric.rows["n_codes"].tolist() == [6] * 4


def test_bits_that_are_no_number_stop_a_run_naming_the_slice(batch):
    batch["bits"].codes[2, 0, 0] = float("inf")
    with pytest.raises(FloatingPointError, match=r"1 of 4 slices, first slice 2 of scan A.*--learning_rate"):
        evaluate(PriorBits(LatentAlphabet(5, num_gains=1, gain_bits=2), SIZE), [batch])


def test_nothing_seen_is_no_score():
    with pytest.raises(NotComputableError):
        PriorBits(LatentAlphabet(5), SIZE).compute()


def test_what_it_keeps_holds_no_graph(batch):
    metric = PriorBits(LatentAlphabet(5, num_gains=1, gain_bits=2), SIZE)
    bits = LatentBits(*(value.requires_grad_() for value in batch["bits"]))
    engine = SimpleNamespace(state=SimpleNamespace(batch=batch, output={"image": batch["codes"], "pred": bits}))
    metric.iteration_completed(engine)
    assert not any(counts.requires_grad for _, parts in metric._parts for counts in parts.values())
