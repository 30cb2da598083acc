import logging
import warnings

from pydicom import config

from monai_vq.data.dicom.silence import silenced_pydicom


def test_warnings_and_logs_are_muted_within_and_back_behind(caplog):
    logger = logging.getLogger("pydicom.pixels.decoders")
    mode = config.settings.reading_validation_mode
    with caplog.at_level(logging.WARNING), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with silenced_pydicom():
            warnings.warn("quotes ZZPHI", UserWarning, stacklevel=1)
            logger.error("quotes ZZPHI")
            assert config.settings.reading_validation_mode == config.IGNORE
        assert not caught
        assert not caplog.records
        warnings.warn("heard", UserWarning, stacklevel=1)
        logger.error("heard")
    assert [str(one.message) for one in caught] == ["heard"]
    assert [record.message for record in caplog.records] == ["heard"]
    assert config.settings.reading_validation_mode == mode
