from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Events

from monai_vq.handlers.continuous_share import ContinuousShare
from monai_vq.quantizers import Codebook, FrequencyQuantizer, HybridQuantizer, VectorQuantizer


def network(quantizer_class, num_frequent, **options):
    quantizer = quantizer_class(Codebook(4, 2), num_frequent=num_frequent, warmup_epochs=0, **options)
    quantizer.frequent.learn(torch.tensor([[3, 3, 3, 3, 2, 2, 2, 1]]))  # from most to least frequent: 3, 2, 1, 0
    return SimpleNamespace(quantizer=quantizer)


@pytest.mark.parametrize("quantizer_class", [FrequencyQuantizer, HybridQuantizer])
def test_the_share_is_of_the_rare_codes_positions_over_the_epoch(make_trainer, codes, quantizer_class):
    trainer = make_trainer([1.0] * 4)
    ContinuousShare(network(quantizer_class, 2)).attach(trainer)
    seen = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda e: seen.append(e.state.metrics["continuous"]))
    trainer.run(codes([0, 1, 2, 3], [3, 3, 3, 0]), max_epochs=2)
    assert seen == [(0.5 + 0.25) / 2] * 2


@pytest.mark.parametrize(("num_frequent", "share"), [(4, 0), (0, 1)])
def test_all_codes_frequent_leave_nothing_continuous(make_trainer, codes, num_frequent, share):
    trainer = make_trainer([1.0])
    ContinuousShare(network(FrequencyQuantizer, num_frequent)).attach(trainer)
    trainer.run(codes([0, 1, 2, 3]))
    assert trainer.state.metrics["continuous"] == share


def test_the_epoch_that_is_cut_short_has_its_share(make_trainer, codes, stop_at):
    trainer = make_trainer([1.0] * 4)
    ContinuousShare(network(FrequencyQuantizer, 2)).attach(trainer)
    stop_at(trainer, 3)
    trainer.run(codes([0, 0], [2, 2]), max_epochs=2)
    assert trainer.state.metrics["continuous"] == 1


def test_a_quantizer_whose_positions_are_alike_is_refused():
    with pytest.raises(ValueError, match="VectorQuantizer, all of whose positions are alike"):
        ContinuousShare(SimpleNamespace(quantizer=VectorQuantizer(Codebook(4, 2))))
