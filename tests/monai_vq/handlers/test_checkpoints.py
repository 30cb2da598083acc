import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Events
from torch import nn

from monai_vq.errors import InputError
from monai_vq.handlers import RunCheckpoints, Validation
from monai_vq.handlers.checkpoints import (
    load_network,
    random_state,
    read_checkpoint,
    restore_random_state,
    write_checkpoint,
)


class Counter:
    """Something to resume."""

    def __init__(self, value=0):
        self.value = value

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


@pytest.fixture
def train(tmp_path, make_trainer, make_evaluator):
    """Three steps an epoch, validated each; the weight counts the steps. Returns the network and what was resumed."""

    def run(scores, max_epochs, prepare=lambda trainer: None, resume=False):
        network, counter = nn.Linear(1, 1, bias=False), Counter(7)
        nn.init.zeros_(network.weight)
        trainer, evaluator = make_trainer([1.0] * 100), make_evaluator(*scores)
        trainer.state.max_epochs, trainer.state.epoch_length = max_epochs, 3
        Validation(interval=1, validator=evaluator).attach(trainer)
        checkpoints = RunCheckpoints(tmp_path, network, {"counter": counter}, evaluator, {"split": "abc"})
        checkpoints.attach(trainer)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: network.weight.data.add_(1))
        prepare(trainer)
        if resume:
            counter.value = 0
            checkpoints.resume(trainer)
        return SimpleNamespace(
            trainer=trainer, evaluator=evaluator, network=network, counter=counter, run=lambda: trainer.run(range(3))
        )

    return run


def test_the_best_is_of_the_best_validation_and_the_last_of_the_last_epoch(train, tmp_path):
    train([0.1, 0.9, 0.5], 3).run()
    best, last = read_checkpoint(tmp_path / "best.pt"), read_checkpoint(tmp_path / "last.pt")
    assert (best["epoch"], best["network"]["weight"].item()) == (2, 6)
    assert (last["epoch"], last["network"]["weight"].item()) == (3, 9)
    assert (last["best_metric"], last["best_metric_epoch"], last["record"]) == (0.9, 2, {"split": "abc"})
    assert last["counter"] == {"value": 7}
    assert "counter" not in best


def test_the_epoch_that_is_cut_short_is_saved_but_does_not_count_as_done(train, tmp_path, stop_at):
    train([0.1, 0.9], 5, lambda trainer: stop_at(trainer, 5)).run()
    best, last = read_checkpoint(tmp_path / "best.pt"), read_checkpoint(tmp_path / "last.pt")
    assert (best["best_metric_epoch"], best["network"]["weight"].item()) == (2, 5)
    assert (last["epoch"], last["network"]["weight"].item()) == (1, 5)


def test_resuming_restores_everything_and_goes_on_with_the_next_epoch(train, tmp_path):
    train([0.1, 0.9], 2).run()
    best = (tmp_path / "best.pt").read_bytes()
    resumed = train([0.5], 3, resume=True)
    assert (resumed.network.weight.item(), resumed.counter.value) == (6, 7)
    assert (resumed.trainer.state.epoch, resumed.trainer.state.iteration) == (2, 6)
    resumed.run()
    assert resumed.trainer.state.iteration == 9
    assert read_checkpoint(tmp_path / "last.pt")["network"]["weight"].item() == 9
    assert (tmp_path / "best.pt").read_bytes() == best  # 0.9 of the session before is still the best
    assert read_checkpoint(tmp_path / "last.pt")["best_metric_epoch"] == 2


def set_scale(engine, scale):
    engine.scaler.load_state_dict(engine.scaler.state_dict() | {"scale": scale})


def test_the_loss_scale_of_fp16_goes_on(tmp_path, make_line_trainer, make_evaluator):
    def train(scale=None):
        """One more epoch whose scale is set at the start, or resumed; returns the scales of its steps."""
        attached, scales = [], []

        def handler(network):
            attached.append(RunCheckpoints(tmp_path, network, {}, make_evaluator(0.5)))
            return attached[0]

        trainer = make_line_trainer([0.25, 0.25], handler, amp=True)
        if scale is None:
            trainer.state.epoch_length, trainer.state.max_epochs = 2, 2
            attached[0].resume(trainer)
        else:
            trainer.add_event_handler(Events.STARTED, set_scale, scale)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: scales.append(engine.scaler.get_scale()))
        trainer.run()
        return scales

    assert train(256.0) == [256.0, 256.0]
    assert train() == [256.0, 256.0]
    assert read_checkpoint(tmp_path / "last.pt")["scaler"]["scale"] == 256.0


def test_a_checkpoint_is_tensors_and_plain_values_only(train, tmp_path):
    train([0.1], 1).run()
    assert torch.load(tmp_path / "last.pt", weights_only=True).keys() >= {"network", "epoch", "random", "counter"}


def test_a_kill_while_writing_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    write_checkpoint(path, {"network": {}, "record": {}, "epoch": 1})

    def half(checkpoint, to):
        to.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(path, {"network": {}, "record": {}, "epoch": 2})
    assert read_checkpoint(path)["epoch"] == 1


def draw():
    return random.random(), random.gauss(0, 1), np.random.rand(), np.random.normal(), torch.rand(3).tolist()


def test_the_random_state_comes_back_through_a_file(tmp_path):
    draw()
    write_checkpoint(tmp_path / "state.pt", {"network": {}, "record": {}, "random": random_state()})
    expected = draw()
    restore_random_state(read_checkpoint(tmp_path / "state.pt")["random"])
    assert draw() == expected


def test_another_networks_checkpoint_is_refused_with_the_tensors_that_differ(tmp_path):
    network = nn.Linear(2, 3)
    before = network.weight.clone()
    theirs = {"network": {"weight": torch.zeros(5, 2), "extra": torch.zeros(1)}}
    with pytest.raises(InputError, match=r"3 tensors differ.*bias is missing; extra is not.*\[5, 2\], here \[3, 2\]"):
        load_network(network, theirs, tmp_path / "last.pt")
    assert torch.equal(network.weight, before)


@pytest.mark.parametrize("content", [b"", b"half", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        read_checkpoint(tmp_path / "last.pt")


def test_a_file_of_another_kind_or_none_is_refused(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="no 'network'"):
        read_checkpoint(tmp_path / "other.pt")
    torch.save({"network": {}}, tmp_path / "older.pt")
    with pytest.raises(InputError, match="no 'record'"):
        read_checkpoint(tmp_path / "older.pt")
    with pytest.raises(InputError, match="train the run first"):
        read_checkpoint(tmp_path / "absent.pt")


class Intruder:
    def __reduce__(self):
        return print, ("executed",)


def test_nothing_in_a_checkpoint_is_executed(tmp_path, capsys):
    torch.save({"network": Intruder()}, tmp_path / "bad.pt")
    with pytest.raises(InputError):
        read_checkpoint(tmp_path / "bad.pt")
    assert "executed" not in capsys.readouterr().out
