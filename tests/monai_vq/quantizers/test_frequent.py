import pytest
import torch

from monai_vq.quantizers.frequent import FrequentCodes


def counted(num_frequent: int, warmup_epochs: int = 0) -> FrequentCodes:
    frequent = FrequentCodes(5, num_frequent, warmup_epochs, decay=0.5)
    frequent.learn(torch.tensor([[3, 3, 3, 3], [1, 1, 1, 0]]))
    return frequent


def test_the_most_frequent_codes_of_training_are_quantised():
    frequent = counted(2)
    assert frequent.is_frequent.nonzero().flatten().tolist() == [1, 3]
    assert frequent.continuous(torch.tensor([[0, 1, 3, 4]])).tolist() == [[True, False, False, True]]


def test_the_table_is_a_moving_average_of_shares():
    torch.testing.assert_close(
        counted(2).frequency, 0.5 * torch.full((5,), 0.2) + 0.5 * torch.tensor([1, 3, 0, 4, 0]) / 8
    )


@pytest.mark.parametrize("num_frequent", [0, 1, 3, 5])
def test_as_many_codes_are_frequent_as_asked_for_ties_or_not(num_frequent):
    assert FrequentCodes(5, num_frequent, 0).is_frequent.sum() == num_frequent
    assert counted(num_frequent).is_frequent.sum() == num_frequent


def test_every_code_is_frequent_until_the_warm_up_is_over():
    frequent = counted(2, warmup_epochs=2)
    frequent.set_epoch(1)
    assert frequent.is_frequent.all()
    frequent.set_epoch(2)
    assert frequent.is_frequent.sum() == 2


def test_a_checkpoint_goes_on_with_the_same_table():
    frequent, twin = counted(2, 1), FrequentCodes(5, 2, 1, decay=0.5)
    frequent.set_epoch(1)
    twin.load_state_dict(frequent.state_dict())
    for one in (frequent, twin):
        one.learn(torch.tensor([4, 4, 4, 4, 0]))
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in frequent.state_dict().items())


@pytest.mark.parametrize("bad", [{"num_frequent": 6}, {"num_frequent": -1}, {"warmup_epochs": -1}, {"decay": 1.0}])
def test_refuses_settings_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        FrequentCodes(**{"num_embeddings": 5, "num_frequent": 2, "warmup_epochs": 0} | bad)
