import torch
from monai.bundle import ConfigParser

from monai_vq.engines.load_run import network_settings
from monai_vq.export import as_reconstructor
from monai_vq.export.reconstructor import reconstructor_config
from monai_vq.networks import VAE


def test_a_reconstructor_gives_x_hat_to_the_bit_with_the_same_keys():
    torch.manual_seed(0)
    vae = VAE((16, 16), 1, latent_size=4, channels=(4, 8)).eval()
    x = torch.rand(2, 1, 16, 16)
    reconstructor = as_reconstructor(vae).eval()
    assert torch.equal(reconstructor(x), vae(x).x_hat)
    assert reconstructor.state_dict().keys() == vae.state_dict().keys()


def test_the_config_of_a_run_gives_its_reconstructor(finished):
    settings = network_settings(finished.config)
    settings["network_def"] = reconstructor_config(settings["network_def"])
    network = ConfigParser(settings).get_parsed_content("network_def").eval()
    network.load_state_dict(finished.weights)
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(network(x), finished.network(x).x_hat, atol=1e-6, rtol=0)


def test_another_network_is_wrapped():
    config = reconstructor_config({"_target_": "monai_vq.networks.VAE", "image_size": [16, 16], "in_channels": 1})
    network = ConfigParser({"network_def": config}).get_parsed_content("network_def").eval()
    assert network(torch.rand(1, 1, 16, 16)).shape == (1, 1, 16, 16)
