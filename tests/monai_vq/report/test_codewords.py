import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from monai_vq.report import write_projector
from monai_vq.report.codewords import principal_components


@pytest.fixture
def codewords():
    """Codewords whose spread is known: standard deviations 3, 2 and 1 along the axes of a rotation, and 0 beyond."""
    rng = np.random.default_rng(0)
    white, _ = np.linalg.qr(rng.normal(size=(64, 4)) - 0.1)
    white = np.linalg.qr(white - white.mean(axis=0))[0] * 8  # centred, uncorrelated, of variance 1
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    return (white * [3, 2, 1, 0]) @ rotation.T + 5


def test_components_are_the_directions_of_largest_spread(codewords):
    places, explained = principal_components(codewords)
    assert places.shape == (64, 2)
    assert explained == pytest.approx([9 / 14, 4 / 14])
    assert places.std(axis=0) == pytest.approx([3, 2])
    assert places.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    # two components keep the distances that the third does not have
    third, _ = principal_components(codewords, number=3)
    distances = np.linalg.norm(codewords[:, None] - codewords[None], axis=-1)
    assert np.linalg.norm(third[:, None] - third[None], axis=-1) == pytest.approx(distances, abs=1e-6)


def test_the_sign_of_a_component_does_not_depend_on_the_order(codewords):
    places, _ = principal_components(codewords)
    turned, _ = principal_components(codewords[::-1])
    assert turned[::-1] == pytest.approx(places, abs=1e-9)


def test_equal_codewords_have_no_components():
    places, explained = principal_components(np.ones((5, 3)))
    assert (places == 0).all()
    assert explained.tolist() == [0, 0]


def test_the_projector_reads_back_every_codeword_with_its_count(tmp_path, codewords):
    write_projector(tmp_path, codewords * 2, np.zeros(64, dtype=int))
    folder = write_projector(tmp_path, codewords.astype(np.float32), np.arange(64) * 3)  # in the place of the first
    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (embedding,) = config.embeddings
    tensors = np.loadtxt(folder / embedding.tensor_path, delimiter="\t")
    assert tensors == pytest.approx(codewords, rel=1e-6)
    header, *rows = (folder / embedding.metadata_path).read_text().splitlines()
    assert header == "code\tcount"
    assert rows == [f"{code}\t{3 * code}" for code in range(64)]
    assert len(list(folder.glob("events.*"))) == 1
