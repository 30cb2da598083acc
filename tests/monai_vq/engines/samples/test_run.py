import shutil
from dataclasses import replace

import nibabel as nib
import pytest
import torch

from monai_vq.data import read_manifest, write_manifest
from monai_vq.engines import SampleRun, load_prior
from monai_vq.errors import InputError


@pytest.fixture(scope="module")
def prior_run(tiny_prior):
    return load_prior(tiny_prior)


def test_a_draw_is_the_priors_own_under_its_seed(prior_run, tmp_path):
    samples = SampleRun(prior_run, tmp_path, num_samples=3, seed=5, temperature=0.7).draw()
    generator = torch.Generator().manual_seed(5)
    unknown = torch.full((3, 1), torch.nan)
    codes, side = prior_run.prior.sample((3, 8, 8), unknown, temperature=0.7, generator=generator)
    assert torch.equal(samples.codes, codes)
    assert torch.equal(samples.side, side)
    assert samples.images.min() >= 0
    assert samples.images.max() <= 1


def test_what_is_not_given_is_an_empty_cell(prior_run, tmp_path):
    samples = SampleRun(prior_run, tmp_path, num_samples=2).draw()
    assert samples.table["condition_slice_position"].isna().all()


def test_a_condition_and_its_guidance_change_the_draw(prior_run, tmp_path):
    def codes(**settings):
        return SampleRun(prior_run, tmp_path, num_samples=4, **settings).draw().codes

    given = {"condition": {"slice_position": 0.0}}
    assert torch.equal(codes(**given), codes(**given))
    assert torch.equal(codes(**given), codes(guidance=1.0, **given))
    assert not torch.equal(codes(**given), codes(guidance=1e4, **given))


def test_nifti_lies_as_the_given_dataset_does(prior_run, tiny_dataset, tmp_path):
    data = shutil.copytree(tiny_dataset, tmp_path / "data")
    write_manifest(data / "manifest.csv", [replace(record, plane="coronal") for record in read_manifest(data)])
    settings = {"num_samples": 1, "output_format": "nifti", "judge": False}
    SampleRun(prior_run, tmp_path, dataset_dir=str(data), **settings).run()
    assert nib.aff2axcodes(nib.load(tmp_path / "sample_0000.nii.gz").affine)[0] == "A"
    with pytest.raises(InputError):
        SampleRun(prior_run, tmp_path / "none", dataset_dir=str(tmp_path / "nowhere"), **settings).run()
    assert not (tmp_path / "none").exists()
