import math
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from monai_vq.handlers import GainLog
from monai_vq.quantizers import Codebook, HybridQuantizer, ProjectedQuantizer, VectorQuantizer


def trained(quantizer, batches, stop=None, **options):
    """Runs two epochs over latents; returns the trainer and the metrics after each epoch."""
    trainer, seen = Engine(lambda engine, batch: {"pred": SimpleNamespace(codes=batch[0], side=batch[1])}), []
    GainLog(SimpleNamespace(quantizer=quantizer), **options).attach(trainer)
    for event in (Events.EPOCH_COMPLETED, Events.TERMINATE):
        trainer.add_event_handler(event, lambda e: seen.append(dict(e.state.metrics)))
    if stop:
        stop(trainer, 3)
    trainer.run(batches, max_epochs=2)
    return trainer, seen


def latents(*gains):
    side = [torch.tensor(values).view(1, 1, 1, -1) for values in gains]
    return [(torch.arange(s.numel()).view(1, 1, -1), s) for s in side]


def test_mean_and_sd_are_over_the_epoch():
    _, seen = trained(ProjectedQuantizer(Codebook(4, 2)), latents([1.0, 2.0], [3.0, 6.0]))
    assert [m["gain_mean"] for m in seen] == [3.0, 3.0]
    assert seen[0]["gain_sd"] == pytest.approx(torch.tensor([1.0, 2.0, 3.0, 6.0]).std(correction=0).item())


def test_the_epoch_that_is_cut_short_counts_what_it_saw(stop_at):
    trainer, _ = trained(ProjectedQuantizer(Codebook(4, 2)), latents([1.0, 3.0], [3.0, 6.0]), stop_at)
    assert trainer.state.metrics["gain_mean"] == 2.0


def test_gains_that_are_not_stored_do_not_count():
    quantizer = HybridQuantizer(Codebook(2, 2), num_frequent=1, warmup_epochs=0)
    rare = int((~quantizer.frequent.is_frequent).nonzero())
    expected = [5.0, 7.0][rare]
    _, seen = trained(quantizer, latents([5.0, 7.0]))
    assert (seen[0]["gain_mean"], seen[0]["gain_sd"]) == (expected, 0.0)
    _, seen = trained(HybridQuantizer(Codebook(2, 2), 2), latents([5.0, 7.0]))
    assert math.isnan(seen[0]["gain_mean"])
    assert math.isnan(seen[0]["gain_sd"])


def test_tensorboard_gets_a_histogram_an_epoch(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        trained(ProjectedQuantizer(Codebook(4, 2)), latents([1.0, 2.0], [3.0, 6.0]), summary_writer=writer)
    events = EventAccumulator(str(tmp_path), size_guidance={"histograms": 0}).Reload()
    histograms = [event.histogram_value for event in events.Histograms("train_gains")]
    assert [(h.num, h.min, h.max) for h in histograms] == [(2, 3.0, 6.0)] * 2


def test_refuses_a_latent_without_gains():
    with pytest.raises(ValueError, match="VectorQuantizer, which has no gains"):
        GainLog(SimpleNamespace(quantizer=VectorQuantizer(Codebook(4, 2))))
