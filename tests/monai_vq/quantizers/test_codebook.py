import copy

import numpy as np
import pytest
import torch

from monai_vq.quantizers import Codebook
from monai_vq.quantizers import codebook as codebook_module

D = 6
CHOICES, UPDATES = ("nearest", "direction"), ("ema", "gradient")


def step(codebook: Codebook, z: torch.Tensor) -> torch.Tensor:
    """One training step of a codebook alone; returns the codes."""
    codebook.initialize_from(z)
    codes = codebook.choose(z)
    codebook.learn(z, codes)
    return codes


def gaps(e: torch.Tensor, vectors: torch.Tensor, unit: bool) -> torch.Tensor:
    """Largest coordinate difference of each codeword [K, D] to each vector [N, D] (or its unit vector), [K, N]."""
    if unit:
        vectors = vectors / vectors.norm(dim=1, keepdim=True)
    return (e[:, None] - vectors).abs().amax(dim=-1)


def started(codebook: Codebook) -> Codebook:
    """Keeps the random codewords instead of taking them from data."""
    codebook.initialized.fill_(True)
    return codebook


def test_nearest_choice_is_the_smallest_distance():
    codebook, z = Codebook(32, D), torch.randn(500, D)
    assert torch.equal(codebook.choose(z), torch.cdist(z, codebook.embedding).argmin(dim=1))


def test_direction_choice_is_the_smallest_distance_to_a_line():
    codebook, z = Codebook(32, D, choice="direction"), torch.randn(500, D)
    e = codebook.embedding
    along = (z[:, None] * e).sum(dim=-1, keepdim=True) / e.square().sum(dim=-1, keepdim=True)  # [N, K, 1]
    distance = (z[:, None] - along * e).square().sum(dim=-1)
    assert torch.equal(codebook.choose(z), distance.argmin(dim=1))
    torch.testing.assert_close(codebook.distortion(z, e[codebook.choose(z)]), distance.amin(dim=1))


@pytest.mark.parametrize("choice", CHOICES)
def test_choosing_in_parts_changes_nothing_and_bounds_the_scores(choice, monkeypatch):
    z, largest = torch.randn(103, D), []
    whole = Codebook(8, D, choice=choice)
    monkeypatch.setattr(codebook_module, "SCORES_AT_ONCE", 100)  # 12 vectors of 8 scores at a time
    parts = Codebook(8, D, choice=choice)
    parts.load_state_dict(whole.state_dict())
    best = parts._best
    monkeypatch.setattr(parts, "_best", lambda z, e: largest.append(len(z) * len(e)) or best(z, e))
    assert torch.equal(parts.choose(z), whole.choose(z))
    assert max(largest) <= 100


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_codewords_start_as_vectors_of_the_first_batch(update, choice):
    codebook, z = Codebook(16, D, update, choice), torch.randn(100, D)
    codebook.initialize_from(z)
    e = codebook.embedding.detach().clone()
    to_vectors = gaps(e, z, unit=(update, choice) == ("gradient", "direction"))
    assert to_vectors.amin(dim=1).max() < 1e-6
    assert len(to_vectors.argmin(dim=1).unique()) == 16  # drawn without replacement
    codebook.initialize_from(torch.randn(100, D))
    assert torch.equal(codebook.embedding.detach(), e)  # once only


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_learns_from_fewer_vectors_than_codes(update, choice):
    codebook = Codebook(64, D, update, choice)
    for _ in range(3):
        step(codebook, torch.randn(5, D))
    assert all(torch.isfinite(value).all() for value in codebook.state_dict().values())


def test_ema_update_of_nearest_by_hand():
    decay, epsilon, K = 0.9, 1e-2, 8
    codebook = started(Codebook(K, D, decay=decay, epsilon=epsilon, revival_threshold=0))
    e = codebook.embedding.double().numpy().copy()
    size, sums, z = np.ones(K), e.copy(), torch.randn(40, D)
    for _ in range(2):
        codes, vectors = step(codebook, z).numpy(), z.double().numpy()
        for k in range(K):
            own = vectors[codes == k]
            size[k] = decay * size[k] + (1 - decay) * len(own)
            sums[k] = decay * sums[k] + (1 - decay) * own.sum(axis=0)
        e = sums / ((size + epsilon) / (size.sum() + K * epsilon) * size.sum())[:, None]
        np.testing.assert_allclose(codebook.cluster_size, size, rtol=1e-5)
        np.testing.assert_allclose(codebook.embedding, e, rtol=1e-4, atol=1e-5)


def test_ema_update_of_direction_by_hand():
    decay, epsilon, K = 0.9, 1e-2, 8
    codebook = Codebook(K, D, choice="direction", decay=decay, epsilon=epsilon, revival_threshold=0)
    z = torch.randn(40, D)
    codebook.initialize_from(z)
    e = codebook.embedding.double().numpy().copy()
    lengths = np.linalg.norm(e, axis=1)
    size, sums, along = np.ones(K), e * lengths[:, None], lengths.copy()
    for _ in range(3):
        codes, vectors = step(codebook, z).numpy(), z.double().numpy()
        for k in range(K):
            own = vectors[codes == k]
            inner = own @ e[k] / np.linalg.norm(e[k])
            size[k] = decay * size[k] + (1 - decay) * len(own)
            sums[k] = decay * sums[k] + (1 - decay) * inner @ own
            along[k] = decay * along[k] + (1 - decay) * inner.sum()
            if along[k] < 0:
                along[k], sums[k] = -along[k], -sums[k]
        n = (size + epsilon) / (size.sum() + K * epsilon) * size.sum()
        direction = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        e = direction * np.sqrt(np.linalg.norm(sums, axis=1) / n)[:, None]
        np.testing.assert_allclose(codebook.cluster_size, size, rtol=1e-5)
        np.testing.assert_allclose(codebook.embedding, e, rtol=1e-4, atol=1e-5)


def test_the_length_of_a_direction_is_that_of_its_cluster_and_most_gains_are_positive():
    line = torch.tensor([2.0, -1.0, 0.5, 0.0, 1.0, 1.0])
    z = (torch.randn(2000, 1) - 2) * line + 0.1 * torch.randn(2000, D)  # most of it lies against the line
    codebook = Codebook(1, D, choice="direction", decay=0.5)
    for _ in range(40):
        step(codebook, z)
    e = codebook.embedding[0]
    gains = z @ e / e.square().sum()
    assert gains.square().mean().item() == pytest.approx(1, rel=1e-3)
    assert gains.mean() > 0.8
    assert torch.cosine_similarity(e, -line, dim=0) > 0.999


def test_direction_update_finds_the_first_principal_direction():
    z = torch.randn(400, D) * torch.tensor([2.0, 1.5, 1.0, 0.5, 0.5, 0.1])
    codebook = Codebook(1, D, choice="direction", decay=0.0)
    for _ in range(60):
        step(codebook, z)
    _, vectors = np.linalg.eigh((z.T @ z).double().numpy())
    e = codebook.embedding[0].double().numpy()
    assert abs(e @ vectors[:, -1]) / np.linalg.norm(e) > 1 - 1e-6


@pytest.mark.parametrize("choice", CHOICES)
def test_learning_lowers_the_mean_distortion(choice, clusters):
    z, codebook = clusters(600), Codebook(12, D, choice=choice, decay=0.5)
    codebook.initialize_from(z)

    def mean_distortion() -> float:
        return codebook.distortion(z, codebook.lookup(codebook.choose(z))).mean().item()

    before = mean_distortion()
    for _ in range(20):
        step(codebook, z)
    assert mean_distortion() < 0.9 * before


@pytest.mark.parametrize("choice", CHOICES)
def test_norms_stay_those_of_the_data_while_codes_lie_unused(choice):
    codebook = started(Codebook(256, D, choice=choice, revival_threshold=0))
    for _ in range(300):
        z = torch.randn(4, D)
        step(codebook, z)
        assert codebook.embedding.norm(dim=1).max() < 10 * D**0.5


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_a_dead_code_moves_to_the_data_with_its_averages_and_stays_alive(update, choice):
    codebook = Codebook(8, D, update, choice)
    codebook.initialize_from(torch.randn(200, D))
    codebook.cluster_size[3] = 1e-6
    z, others = 5 + torch.randn(200, D), torch.zeros(200, dtype=torch.int64)
    codebook.learn(z, others)
    e = codebook.embedding.detach()[3].clone()
    assert gaps(e[None], z, unit=(update, choice) == ("gradient", "direction")).min() < 1e-6
    assert codebook.cluster_size[3] > 0.5 * codebook.cluster_size.mean()
    if update == "ema":
        torch.testing.assert_close(codebook._centroids()[3], e, rtol=1e-3, atol=1e-3)
        codebook.learn(z, others)  # not chosen this time: it does not jump back
        torch.testing.assert_close(codebook.embedding[3], e, rtol=1e-3, atol=1e-3)
    assert (codebook.cluster_size > codebook.revival_threshold * codebook.cluster_size.mean()).all()


def test_revival_prefers_vectors_that_are_served_badly():
    codebook = started(Codebook(4, D))
    codebook.embedding.zero_()
    codebook.cluster_size[1:] = 1e-6
    z = torch.zeros(1000, D)
    z[::100] = 10.0  # the only ones with a distortion
    step(codebook, z)
    assert torch.equal(codebook.embedding[1:], torch.full((3, D), 10.0))


def test_revival_draws_evenly_where_nothing_is_distorted():
    codebook = started(Codebook(4, D))
    codebook.embedding.fill_(2.0)
    codebook.ema_w.fill_(2.0)
    codebook.cluster_size[2] = 0.0
    step(codebook, torch.full((50, D), 2.0))
    assert torch.isfinite(codebook.embedding).all()
    assert codebook.cluster_size[2] > 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_a_batch_that_is_not_finite_is_left_for_the_engine_to_refuse(bad):
    codebook, z = started(Codebook(4, D)), torch.randn(50, D)
    codebook.cluster_size[2] = 0.0  # a revival is due
    z[7] = bad
    codebook.learn(z, torch.zeros(50, dtype=torch.int64))
    assert torch.isfinite(codebook.embedding[2]).all()
    assert codebook.cluster_size[2] > 0


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_most_of_256_codes_are_used_after_50_steps(update, choice, clusters):
    codebook = Codebook(256, D, update, choice)
    for _ in range(50):
        step(codebook, clusters(1024))
    assert len(codebook.choose(clusters(8192)).unique()) > 0.9 * 256


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_state_dict_restores_the_same_behaviour(update, choice):
    codebook, restored = Codebook(16, D, update, choice), Codebook(16, D, update, choice)
    for _ in range(3):
        step(codebook, torch.randn(50, D))
    state = copy.deepcopy(codebook.state_dict())
    averages = {"ema_w", *(["ema_along"] if choice == "direction" else [])} if update == "ema" else set()
    assert set(state) == {"embedding", "cluster_size", "initialized"} | averages
    restored.load_state_dict(state)
    z = torch.randn(50, D)
    for twin in (codebook, restored):
        torch.manual_seed(3)
        twin.last_codes = step(twin, z)
    assert torch.equal(codebook.last_codes, restored.last_codes)
    assert all(torch.equal(codebook.state_dict()[name], value) for name, value in restored.state_dict().items())


def test_only_a_gradient_codebook_has_a_parameter():
    assert [name for name, _ in Codebook(4, D, "gradient").named_parameters()] == ["embedding"]
    assert not list(Codebook(4, D, "ema").parameters())


def test_a_gradient_codebook_moves_by_its_optimiser_alone():
    codebook = started(Codebook(8, D, "gradient", revival_threshold=0))
    before = codebook.embedding.detach().clone()
    step(codebook, torch.randn(50, D))
    assert torch.equal(codebook.embedding.detach(), before)


@pytest.mark.parametrize(
    "bad",
    [
        {"update": "sgd"},
        {"choice": "cosine"},
        {"num_embeddings": 0},
        {"embedding_dim": 0},
        {"decay": 1.0},
        {"decay": -0.1},
        {"epsilon": 0.0},
        {"revival_threshold": 1.0},
        {"revival_threshold": -0.1},
    ],
)
def test_refuses_settings_out_of_range(bad):
    ((name, value),) = bad.items()
    with pytest.raises(ValueError, match=rf"{name} .*{value}"):
        Codebook(**({"num_embeddings": 8, "embedding_dim": D} | bad))


@pytest.mark.parametrize("num_groups", [1, 2, 3, 6])
def test_direction_choice_with_groups_leaves_the_smallest_sum_of_distances_to_lines(num_groups):
    codebook, z = Codebook(32, D, choice="direction", num_groups=num_groups), torch.randn(500, D)
    e = codebook.embedding.view(32, num_groups, -1)
    parts = z.view(500, 1, num_groups, -1)
    along = (parts * e).sum(-1, keepdim=True) / e.square().sum(-1, keepdim=True)
    distance = (parts - along * e).square().sum(dim=(-1, -2))
    codes = codebook.choose(z)
    torch.testing.assert_close(distance.gather(1, codes[:, None])[:, 0], distance.amin(dim=1))
    torch.testing.assert_close(codebook.distortion(z, codebook.embedding[codes]), distance.amin(dim=1))


@pytest.mark.parametrize("update", UPDATES)
def test_groups_learn_as_one_codebook_each_where_the_codes_are_given(update):
    whole = started(Codebook(4, D, update, "direction", num_groups=2, revival_threshold=0))
    halves = [started(Codebook(4, D // 2, update, "direction", revival_threshold=0)) for _ in range(2)]
    for half, e in zip(halves, whole.embedding.detach().chunk(2, dim=1), strict=True):
        half.embedding.data.copy_(e)
        if update == "ema":
            half.ema_w.copy_(e)
    z = torch.randn(50, D)
    codes = whole.choose(z)
    whole.learn(z, codes)
    for half, part in zip(halves, z.chunk(2, 1), strict=True):
        half.learn(part, codes)
    torch.testing.assert_close(whole.embedding, torch.cat([half.embedding for half in halves], dim=1))


def test_each_group_has_the_length_of_its_part_of_the_cluster():
    codebook, z = Codebook(1, D, choice="direction", num_groups=3, decay=0.5), torch.randn(2000, D) + 1
    for _ in range(40):
        step(codebook, z)
    e, parts = codebook.embedding.view(3, -1), z.view(2000, 3, -1)
    gains = (parts * e).sum(dim=-1) / e.square().sum(dim=-1)
    torch.testing.assert_close(gains.square().mean(dim=0), torch.ones(3), rtol=1e-3, atol=0)


@pytest.mark.parametrize("num_groups", [0, 4, 7])
def test_refuses_groups_that_do_not_divide_the_channels(num_groups):
    with pytest.raises(ValueError, match="must divide embedding_dim 6"):
        Codebook(8, D, num_groups=num_groups)
