import pytest

from monai_vq.handlers import GradientClip


@pytest.mark.parametrize(("gradient", "clipped"), [(0.25, 0.25), (100.0, 0.5), (-3.0, -0.5)])
def test_a_gradient_is_scaled_to_the_largest_norm_and_no_further(make_line_trainer, gradient, clipped):
    trainer = make_line_trainer([gradient], lambda network: GradientClip(network, 0.5))
    trainer.run()
    assert trainer.network.w.item() == pytest.approx(1 - clipped, abs=1e-5)


@pytest.mark.parametrize(("gradient", "clipped"), [(0.25, 0.25), (100.0, 0.5)])
def test_the_loss_scale_is_taken_out_before_clipping(make_line_trainer, gradient, clipped):
    trainer = make_line_trainer([gradient], lambda network: GradientClip(network, 0.5), amp=True)
    trainer.run()
    assert trainer.scaler.get_scale() > 1
    assert trainer.network.w.item() == pytest.approx(1 - clipped, abs=1e-5)
