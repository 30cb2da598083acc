import math

import ignite.distributed as idist
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError

from monai_vq.errors import InputError
from monai_vq.metrics.codebook_usage import CodebookUsage, perplexity, usage


def test_uniform_and_single_code_histograms():
    assert usage(np.full(16, 5)) == 1
    assert perplexity(np.full(16, 5)) == pytest.approx(16)
    single = np.eye(16, dtype=int)[3] * 9
    assert usage(single) == 1 / 16
    assert perplexity(single) == pytest.approx(1)


def test_nothing_counted_is_not_a_number():
    assert math.isnan(usage(np.zeros(4)))
    assert math.isnan(perplexity(np.zeros(4)))


def test_accumulates_over_an_epoch_and_starts_anew():
    codes = torch.randint(0, 32, (6, 2, 5, 5), generator=torch.Generator().manual_seed(0))
    engine = Engine(lambda _, batch: {"codes": batch})
    metric = CodebookUsage(32, output_transform=lambda output: output["codes"])
    metric.attach(engine, "codebook")
    state = engine.run(list(codes), max_epochs=2)
    expected = torch.bincount(codes.flatten(), minlength=32)
    assert torch.equal(metric.counts, expected)
    assert state.metrics["usage"] == usage(expected)
    assert state.metrics["codebook"]["perplexity"] == pytest.approx(perplexity(expected))


def test_takes_a_list_of_decollated_codes():
    metric, batch = CodebookUsage(8), torch.tensor([[[0, 1], [2, 3]], [[3, 3], [4, 7]]])
    metric.update(list(batch))
    metric.compute()
    assert metric.counts.tolist() == [1, 1, 1, 3, 1, 0, 0, 1]


def test_sums_over_processes_without_changing_the_own_counts(monkeypatch):
    monkeypatch.setattr(idist, "get_world_size", lambda: 2)
    monkeypatch.setattr(idist, "all_reduce", lambda counts: counts + torch.tensor([0, 0, 0, 4, 0]))
    metric = CodebookUsage(3)
    metric.update(torch.tensor([[[0, 0]]]))
    assert metric.compute()["usage"] == pytest.approx(2 / 3)
    assert metric.counts.tolist() == [2, 0, 4]
    metric.update(torch.tensor([[[1]]]))
    metric.compute()
    assert metric.counts.tolist() == [2, 1, 4]


@pytest.mark.parametrize("code", [-1, 8])
def test_refuses_codes_outside_the_codebook(code):
    metric = CodebookUsage(8)
    metric.update(torch.tensor([[[code, 3]]]))
    with pytest.raises(InputError, match=rf"\[0, 8\), got {int(code < 0)} below and {int(code > 0)} above"):
        metric.compute()


def test_counts_on_the_device_of_the_codes_and_never_looks_at_them_before_the_end():
    metric = CodebookUsage(8)
    metric.update(torch.zeros(1, 2, 2, dtype=torch.int64, device="meta"))  # no values to look at, as on a busy GPU
    assert metric._running.device.type == "meta"


def test_an_epoch_without_codes_has_no_usage():
    with pytest.raises(NotComputableError):
        CodebookUsage(8).compute()
