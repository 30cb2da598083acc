import math

import pytest

from monai_vq.handlers import PriorProgress, Validation

NAN = math.nan
SCORES = {"bits_per_code": 5.4321, "bits_per_gain": 2.5, "bits_per_pixel": 0.5, "density_per_vector": NAN}


@pytest.fixture
def told(make_trainer, make_evaluator, capsys):
    """What a run of two epochs prints, the second of which is validated and stopped."""

    def tell(scores):
        trainer, evaluator = make_trainer([1.0] * 9), make_evaluator()
        evaluator.run = lambda epoch: (
            setattr(evaluator.state, "epoch", epoch),
            setattr(evaluator.state, "metrics", scores),
            trainer.terminate(),
        )
        Validation(interval=2, validator=evaluator).attach(trainer)
        PriorProgress(evaluator).attach(trainer)
        trainer.run(range(3), max_epochs=5)
        return capsys.readouterr().out

    return tell


def test_a_validation_is_one_line_with_what_the_latent_has(told):
    assert told(SCORES) == "epoch 2, step 6: validation 5.432 bits/code, 2.500 bits/gain, 0.5000 bits/pixel\n"
    plain = told(SCORES | {"bits_per_gain": NAN})
    assert plain == "epoch 2, step 6: validation 5.432 bits/code, 0.5000 bits/pixel\n"
    assert told(SCORES | {"density_per_vector": -12.34}).endswith("vectors' -log2 density -12.3\n")
