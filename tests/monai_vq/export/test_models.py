import torch
from monai.bundle import ConfigParser

from monai_vq.export.models import large_files


def test_the_state_dict_and_torchscript_give_the_same_images_to_the_bit(exported):
    folder, _ = exported
    parser = ConfigParser()
    parser.read_config(str(folder / "configs/inference.json"))
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(folder / "models/model.pt", weights_only=True))
    x = torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(torch.jit.load(folder / "models/model.ts")(x), network(x))


def test_files_above_the_limit_are_found(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/small").write_bytes(bytes(10))
    (tmp_path / "models/large").write_bytes(bytes(11))
    assert large_files(tmp_path, limit=10) == [tmp_path / "models/large"]
