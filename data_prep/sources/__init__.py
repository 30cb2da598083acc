"""The downloads that can be prepared, one module each; a line here is all that a new one needs to be found."""

from data_prep.sources.ad_nc import AD_NC
from data_prep.sources.adni import ADNI
from data_prep.sources.bids import BIDS
from data_prep.sources.cifar10 import CIFAR10
from data_prep.sources.dicom import DICOM
from data_prep.sources.image_folder import IMAGE_FOLDER
from data_prep.sources.mnist import MNIST
from data_prep.sources.neurite_oasis import NEURITE_OASIS
from data_prep.sources.nifti import NIFTI
from data_prep.sources.oasis1 import OASIS1
from data_prep.sources.oasis2 import OASIS2
from data_prep.sources.oasis3 import OASIS3
from data_prep.sources.png_slices import PNG_SLICES
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source

__all__ = ["SOURCES", "Found", "Scan", "Source"]

SOURCES: dict[str, Source] = {
    "oasis1": OASIS1,
    "oasis2": OASIS2,
    "oasis3": OASIS3,
    "neurite_oasis": NEURITE_OASIS,
    "adni": ADNI,
    "ad_nc": AD_NC,
    "png_slices": PNG_SLICES,
    "bids": BIDS,
    "nifti": NIFTI,
    "dicom": DICOM,
    "cifar10": CIFAR10,
    "mnist": MNIST,
    "image_folder": IMAGE_FOLDER,
}
