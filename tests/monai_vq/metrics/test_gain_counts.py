import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError

from monai_vq.metrics import GainCounts


def count(*batches, num_gains=2):
    engine = Engine(lambda engine, gains: gains)
    GainCounts(num_gains).attach(engine, "gains")
    return engine.run(batches).metrics["gains"]


@pytest.fixture
def gains():
    """Two groups of far different scale, negative ones among them, [B, 2, h, w]."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(6, 2, 20, 30, generator=generator)
    return noise * torch.tensor([0.01, 300.0])[:, None, None] + torch.tensor([-0.02, 1000.0])[:, None, None]


def test_moments_and_quantiles_of_each_group_are_those_of_its_gains(gains):
    histogram, groups = count(gains[:4], gains[4:]), gains.movedim(1, 0).flatten(1).double().numpy()
    assert histogram.counts.sum(axis=1).tolist() == [6 * 20 * 30] * 2
    assert histogram.mean() == pytest.approx(groups.mean(axis=1), rel=1e-4)
    assert histogram.sd() == pytest.approx(groups.std(axis=1), rel=1e-3)
    for level in (0.001, 0.5, 0.999):
        exact = np.quantile(groups, level, axis=1, method="inverted_cdf")
        assert histogram.quantile(level) == pytest.approx(exact, rel=2**-11)


def test_batches_do_not_matter_and_an_epoch_starts_anew(gains):
    whole, parts = count(gains), count(*gains.split(1))
    assert np.array_equal(whole.values, parts.values)
    assert np.array_equal(whole.counts, parts.counts)
    assert (np.diff(whole.values) > 0).all()
    engine = Engine(lambda engine, batch: batch)
    GainCounts(2).attach(engine, "gains")
    assert engine.run([gains], max_epochs=3).metrics["gains"].counts.sum() == gains.numel()


def test_positions_without_a_gain_do_not_count():
    gains = torch.tensor([1.0, torch.nan, 3.0, torch.nan])[None, None, None]
    histogram = count(gains, num_gains=1)
    assert histogram.values.tolist() == [1, 3]
    assert histogram.counts.tolist() == [[1, 1]]
    nothing = count(torch.full_like(gains, torch.nan), num_gains=1)
    assert nothing.counts.shape == (1, 0)
    assert np.isnan([nothing.mean(), nothing.sd()]).all()


def test_gains_beyond_float16_stay_the_largest():
    histogram = count(torch.tensor([-1e30, 0.5, 1e30])[None, None, None], num_gains=1)
    assert histogram.values.tolist() == [-65504, 0.5, 65504]


def test_each_level_has_the_gains_that_are_rounded_to_it(gains):
    levels = np.array([[-0.04, -0.03, -0.02, 0.0], [0.0, 900.0, 1100.0, 2000.0]])
    rounded = torch.stack(
        [
            torch.tensor(own, dtype=torch.float32)[(gains[:, g, ..., None] - torch.tensor(own)).abs().argmin(-1)]
            for g, own in enumerate(levels)
        ],
        dim=1,
    )
    counts = count(rounded).level_counts(levels)
    for own, number, g in zip(levels, counts, (0, 1), strict=True):
        assert number.tolist() == [int((rounded[:, g] == np.float32(level)).sum()) for level in own]
    assert counts.sum(axis=1).tolist() == [gains[:, 0].numel()] * 2


def test_no_positions_have_no_histogram():
    with pytest.raises(NotComputableError, match="no positions"):
        GainCounts(1).compute()
