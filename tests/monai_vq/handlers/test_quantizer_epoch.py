from types import SimpleNamespace

from ignite.engine import Engine, Events

from monai_vq.handlers import QuantizerEpoch
from monai_vq.quantizers import Codebook, FrequencyQuantizer


def test_warm_up_ends_after_its_epochs_in_a_resumed_run_too():
    quantizer = FrequencyQuantizer(Codebook(4, 2), num_frequent=1, warmup_epochs=2)
    seen = []
    trainer = Engine(lambda engine, batch: None)
    QuantizerEpoch(SimpleNamespace(quantizer=quantizer)).attach(trainer)
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda e: seen.append((e.state.epoch, int(quantizer.frequent.is_frequent.sum())))
    )
    trainer.run([0], max_epochs=3)
    trainer.run([0], max_epochs=4)
    assert seen == [(1, 4), (2, 4), (3, 1), (4, 1)]
