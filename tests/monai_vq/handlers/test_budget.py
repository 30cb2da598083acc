import math
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events

from monai_vq.errors import InputError
from monai_vq.handlers import TrainingBudget, budget

PEAK = 0.1


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only when told to."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def make_optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)


def expected(iteration: int, progress: float) -> float:
    warm_up = min(1, iteration / 100)
    return PEAK * warm_up * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def train(training_budget, max_epochs, epoch_length, on_step=lambda: None, resumed_at=0):
    """Runs an engine and returns the learning rates of its steps."""
    rates = []

    def step(engine, batch):
        on_step()
        rates.append(training_budget.optimizer.param_groups[0]["lr"])

    trainer = Engine(step)
    training_budget.attach(trainer)
    trainer.state.iteration, trainer.state.epoch = resumed_at, resumed_at // epoch_length
    trainer.state.max_epochs, trainer.state.epoch_length = max_epochs, epoch_length
    trainer.run(range(epoch_length), max_epochs=max_epochs)
    return rates


def test_epochs_alone_give_a_warm_up_and_half_a_cosine(clock):
    rates = train(TrainingBudget(make_optimizer()), 4, 60)
    assert rates == pytest.approx([expected(i, (i - 1) / 240) for i in range(1, 241)])
    assert max(rates) == pytest.approx(expected(100, 99 / 240))
    assert rates[-1] < 0.02 * PEAK


def test_time_anneals_and_ends_where_it_is_shorter_than_the_epochs(clock):
    def a_second():
        clock.seconds += 1

    rates = train(TrainingBudget(make_optimizer(), max_minutes=2.5), 1000, 60, a_second)
    assert rates == pytest.approx([expected(i, (i - 1) / 150) for i in range(1, 151)])


def test_epochs_end_where_they_are_shorter_than_the_time(clock):
    rates = train(TrainingBudget(make_optimizer(), max_minutes=60), 2, 60, lambda: None)
    assert rates == pytest.approx([expected(i, (i - 1) / 120) for i in range(1, 121)])


def test_a_resumed_run_goes_on_with_the_seconds_and_the_curve(clock):
    def a_second():
        clock.seconds += 1

    whole = train(TrainingBudget(make_optimizer(), max_minutes=4), 1000, 40, a_second)
    first = TrainingBudget(make_optimizer(), max_minutes=4)
    first_rates = train(first, 2, 40, a_second)  # killed after two epochs, 80 seconds
    state = first.state_dict()
    clock.seconds += 10_000  # nobody trains
    second = TrainingBudget(make_optimizer(), max_minutes=4)
    second.load_state_dict(state)
    rates = train(second, 1000, 40, a_second, resumed_at=80)
    assert len(first_rates) + len(rates) == len(whole) == 240
    assert rates == pytest.approx(whole[80:])


def test_each_parameter_group_keeps_its_share_of_the_rate(clock):
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.1, 0.01)]
    optimizer = torch.optim.SGD(groups)
    train(TrainingBudget(optimizer), 2, 30)
    first, second = (group["lr"] for group in optimizer.param_groups)
    assert first == pytest.approx(10 * second)


def test_a_budget_is_spent_when_its_minutes_are_over(clock):
    training_budget = TrainingBudget(make_optimizer(), max_minutes=1)
    clock.seconds += 59
    assert not training_budget.is_spent
    clock.seconds += 1
    assert training_budget.is_spent
    clock.seconds += 10**9
    assert not TrainingBudget(make_optimizer()).is_spent


def test_validation_counts_too(clock):
    training_budget = TrainingBudget(make_optimizer(), max_minutes=1)
    trainer = Engine(lambda engine, batch: None)
    training_budget.attach(trainer)

    @trainer.on(Events.EPOCH_COMPLETED)
    def validate():
        clock.seconds += 35

    trainer.run(range(3), max_epochs=10)
    assert trainer.state.iteration == 7  # 70 seconds after two epochs: the next step is the last


@pytest.mark.parametrize("minutes", [0, -1.0])
def test_no_time_at_all_is_refused(minutes):
    with pytest.raises(InputError, match=r"max_minutes .* must be positive"):
        TrainingBudget(make_optimizer(), max_minutes=minutes)
