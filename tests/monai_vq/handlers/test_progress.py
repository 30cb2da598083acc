import re

from monai_vq.handlers import TrainingProgress, Validation


def test_a_line_is_told_after_each_epoch_and_of_the_validation_where_one_was(make_trainer, make_evaluator, capsys):
    trainer, evaluator = make_trainer([0.01 * step for step in range(12)]), make_evaluator(0.25, 0.75)
    Validation(interval=2, validator=evaluator).attach(trainer)
    TrainingProgress(evaluator).attach(trainer)
    trainer.run(range(3), max_epochs=4)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert [re.match(r"epoch (\d), step (\d+): (.+?)(,| at|$)", line).groups()[:3] for line in lines] == [
        ("1", "3", "training MSE 0.01500"),
        ("2", "6", "validation SSIM 0.2500"),
        ("3", "9", "training MSE 0.06000"),
        ("4", "12", "validation SSIM 0.7500"),
    ]


def test_the_epoch_that_is_cut_short_is_told_once(make_trainer, make_evaluator, stop_at, capsys):
    trainer, evaluator = make_trainer([1.0] * 12), make_evaluator(0.25)
    Validation(interval=2, validator=evaluator).attach(trainer)
    TrainingProgress(evaluator).attach(trainer)
    stop_at(trainer, 4)
    trainer.run(range(3), max_epochs=4)
    first, *told = capsys.readouterr().out.splitlines()
    assert first == "epoch 1, step 3: training MSE 0.75000 at the last step"
    assert [line for line in told if line] == ["epoch 2, step 4: validation SSIM 0.2500, MSE 0.75000, PSNR 20.00 dB"]
