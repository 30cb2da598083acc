from monai.bundle.workflows import _reject_executable_logging_config

from monai_vq.export.logging_config import LOGGING


def test_monai_takes_it_and_it_is_the_bundles_own(tmp_path, request):
    (tmp_path / "logging.conf").write_text(LOGGING)
    assert _reject_executable_logging_config(str(tmp_path / "logging.conf")) == LOGGING
    assert (request.config.rootpath / "bundles/logging.conf").read_text() == LOGGING
