from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, JPEGLosslessSV1
from scipy.spatial.transform import Rotation

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, plane_elements, save_dicom

SHAPE = (8, 6, 10)  # columns, rows, slices
SPACING = (0.9, 1.1, 1.2)
DIRECTIONS = {  # of columns, rows and slices: right, anterior, superior
    "sagittal": [[0, -1, 0], [0, 0, -1], [1, 0, 0]],
    "coronal": [[-1, 0, 0], [0, 0, -1], [0, -1, 0]],
    "axial": [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
}


@pytest.fixture
def voxels() -> np.ndarray:
    """Stored numbers, [columns, rows, slices], no two slices or rows alike."""
    return np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)


@pytest.fixture
def affines() -> dict[str, np.ndarray]:
    """Voxel to RAS of the three planes, and of one that is turned about all axes."""
    matrices = {}
    for name, directions in DIRECTIONS.items():
        matrices[name] = np.eye(4)
        matrices[name][:3, :3] = np.array(directions).T * SPACING
        matrices[name][:3, 3] = (-7.5, 12.25, 30)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", (10, -7, 15), degrees=True).as_matrix()
    return {**matrices, "oblique": turn @ matrices["sagittal"]}


@pytest.fixture
def slices(voxels: np.ndarray, affines: dict[str, np.ndarray]) -> list[Dataset]:
    """A clean sagittal series, in the order of its slices."""
    return make_slices(voxels, affines["sagittal"], DicomSeries())


@pytest.fixture
def large_voxels() -> np.ndarray:
    """As `voxels`, large enough for JPEG 2000, which wants 32 pixels each way; [columns, rows, slices]."""
    return np.random.default_rng(1).integers(0, 4000, (40, 36, 8)).astype(np.uint16)


@pytest.fixture
def large_slices(large_voxels: np.ndarray, affines: dict[str, np.ndarray]) -> list[Dataset]:
    """An axial series of `large_voxels`."""
    return make_slices(large_voxels, affines["axial"], DicomSeries())


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., tuple[Path, ...]]:
    """Writes datasets as files `IM000, IM001, ...` of a folder and returns their paths."""

    def write(
        datasets: Sequence[Dataset], folder: str = "series", syntax: str = ExplicitVRLittleEndian
    ) -> tuple[Path, ...]:
        paths = tuple(tmp_path / folder / f"IM{number:03d}" for number in range(len(datasets)))
        for dataset, path in zip(datasets, paths, strict=True):
            save_dicom(dataset, path, syntax)
        return paths

    return write


@pytest.fixture
def make_enhanced() -> Callable[..., Dataset]:
    """Puts a volume into one multi-frame file, its frames in any order."""

    def make(voxels: np.ndarray, affine: np.ndarray, order: Sequence[int] | None = None) -> Dataset:
        order = range(voxels.shape[2]) if order is None else order
        dataset = make_slices(voxels[:, :, :1], affine, DicomSeries())[0]
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime"):
            delattr(dataset, keyword)
        dataset.SOPClassUID = EnhancedMRImageStorage
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
        dataset.NumberOfFrames = len(order)
        frames = np.stack([voxels[:, :, index].T for index in order])
        dataset["PixelData"].value = frames.astype("<i2").tobytes()
        plane = plane_elements(affine, 0)
        dataset.SharedFunctionalGroupsSequence = [
            item(
                PlaneOrientationSequence=[item(ImageOrientationPatient=plane["ImageOrientationPatient"])],
                PixelMeasuresSequence=[item(PixelSpacing=plane["PixelSpacing"], SliceThickness="1.2")],
                MREchoSequence=[item(EffectiveEchoTime=2.98)],
                PixelValueTransformationSequence=[
                    item(RescaleIntercept="0", RescaleSlope="1", RescaleType="US"),
                ],
            )
        ]
        dataset.PerFrameFunctionalGroupsSequence = [make_group(affine, index) for index in order]
        return dataset

    return make


def make_group(affine: np.ndarray, index: int) -> Dataset:
    """What an enhanced file says of one frame alone."""
    place = item(ImagePositionPatient=plane_elements(affine, index)["ImagePositionPatient"])
    content = item(StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[1, index + 1])
    return item(FrameContentSequence=[content], PlanePositionSequence=[place])


def item(**elements: object) -> Dataset:
    """An item of a sequence."""
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def compress() -> Callable[..., Dataset]:
    """Compresses the frames of a native file in place; it is then to be saved with that transfer syntax."""

    def encode(dataset: Dataset, syntax: str, fragments: int = 1) -> Dataset:
        pixels = np.frombuffer(dataset.PixelData, "<i2" if dataset.PixelRepresentation else "<u2")
        frames = pixels.reshape(-1, dataset.Rows, dataset.Columns)
        options = {
            "rows": dataset.Rows,
            "columns": dataset.Columns,
            "samples_per_pixel": 1,
            "number_of_frames": 1,
            "bits_allocated": 16,
            "bits_stored": dataset.BitsStored,
            "pixel_representation": dataset.PixelRepresentation,
            "photometric_interpretation": "MONOCHROME2",
        }
        lossless = syntax == JPEGLosslessSV1
        streams = [encode_jpeg(frame) if lossless else get_encoder(syntax).encode(frame, **options) for frame in frames]
        dataset.add_new("PixelData", "OB", encapsulate([bytes(one) for one in streams], fragments_per_frame=fragments))
        dataset["PixelData"].is_undefined_length = True
        return dataset

    return encode


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """Encodes 16-bit pixels [rows, columns] as lossless JPEG (ITU T.81, process 14, predictor 1)."""
    rows, columns = pixels.shape
    head = b"\xff\xd8\xff\xc3\x00\x0b\x10" + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    counts = bytes(17 if length == 5 else 0 for length in range(1, 17))  # 17 codes of 5 bits: a code is its value
    tables = b"\xff\xc4" + (2 + 1 + 16 + 17).to_bytes(2, "big") + b"\x00" + counts + bytes(range(17))
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00"
    bits = "".join(code_difference(int(value)) for value in differences(pixels.astype(np.int64)).ravel())
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return head + tables + scan + body + b"\xff\xd9"


def differences(pixels: np.ndarray) -> np.ndarray:
    """Each pixel minus its left neighbour; the first of a row minus the one above, the very first minus 2^15."""
    predicted = np.empty_like(pixels)
    predicted[:, 1:] = pixels[:, :-1]
    predicted[1:, 0] = pixels[:-1, 0]
    predicted[0, 0] = 1 << 15
    return (pixels - predicted + 32767) % 65536 - 32767


def code_difference(value: int) -> str:
    """Category in 5 bits, then the value in as many bits as the category says."""
    category = abs(value).bit_length() if value != 32768 else 16
    extra = value if value > 0 else value + (1 << category) - 1
    return f"{category:05b}" + (f"{extra:0{category}b}" if 0 < category < 16 else "")
