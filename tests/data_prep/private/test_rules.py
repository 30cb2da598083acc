import pytest

from data_prep.private.pieces import Piece
from data_prep.private.rules import find_by_rules

PRIVATE = [
    ("absolute path", "/home/jane/scans/a.nii"),
    ("absolute path", "read from '/mnt/nas'"),
    ("absolute path", "/gpfs01/charite/jane"),
    ("absolute path", "file:///x/y"),
    ("absolute path", "C:\\Users\\jane"),
    ("absolute path", "D:/scans/jane"),
    ("absolute path", "\\\\server\\share\\x"),
    ("absolute path", '"\\\\\\\\server\\\\share"'),  # in JSON in a text
    ("name of a person", "Doe^Jane"),
    ("name of a person", "VAN DER BERG^ANNA^^DR"),
    ("name of a person", "Müller^Jörg"),
    ("date", "19450508"),
    ("date", "br_raw_20121112110714262_110"),
    ("date", "20070219173850.420000"),
    ("date", "2006-11-02_08_16_44.0"),
    ("date", "born 08.05.1945"),
    ("date", "11/2/2006"),
    ("date", "02-Nov-2006"),
    ("DICOM UID", "1.2.840.113619.2.55.3"),
    ("DICOM UID", "1.3.12.2.1107.5.2.32.35162"),
    ("DICOM UID", "2.25.329800735698586629295641978511506172918"),
    ("e-mail address", "jane.doe@charite.example.org"),
    ("age over 89", "94.5 years"),
    ("age over 89", "093Y"),
    ("identifying header field", "InstitutionName: Charité"),
    ("identifying header field", '"PatientID" = 4711'),
]
PUBLIC = [
    "sub-IXI013/anat/sub-IXI013_T1w.nii.gz",
    "python -m data_prep bids --source ixi_t1_2mm --output_dir ixi_prepared",
    "a and/or b, n/a, 1/2, 15px/1.45 system-ui, </data/x>",
    "https://example.org/home/page/of/it",
    "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJ/x",
    "@train#trainer#max_epochs %bundles/common.json#network",
    "$monai_vq.engines.read(@dataset_dir + '/x')",
    "x^2, 10^-3, cm^2",
    "0.20061102 1944.1173095703125 120061102 20061302 12345678",
    "17.514570236206055",
    "a3f52006110288c2",
    "0.1.0 3.11.7 2.13.0+cpu 1.2.3.4",
    "transfer syntax 1.2.840.10008.1.2.4.90",
    "half-otsu-v2, sha256-order-within-strata-largest-deficit-v1",
    "89 years, 120 slices",
    "PatientID differs between the files",
    "ratio 3:4, epoch 3: loss",
]


@pytest.mark.parametrize(("kind", "text"), PRIVATE)
def test_private_texts_are_found_as_what_they_are(kind, text):
    assert kind in {match.kind for match in find_by_rules(Piece("line 1", text))}


@pytest.mark.parametrize("text", PUBLIC)
def test_public_texts_are_not(text):
    assert list(find_by_rules(Piece("line 1", text))) == []


@pytest.mark.parametrize("key", ["InstitutionName", "institution_name", "descrip", "aux_file", "birth_date"])
def test_fields_are_private_by_their_name(key):
    (match,) = find_by_rules(Piece("x", "Royal", key))
    assert (match.kind, match.text) == ("identifying header field", "Royal")
    assert list(find_by_rules(Piece("x", "", key))) == []


@pytest.mark.parametrize(("text", "found"), [("Doe^Jane", 1), ("DOE^JANE", 1), ("tq^Rq", 0), ("Kk^H", 0)])
def test_among_bytes_a_name_must_be_written_like_one(text, found):
    assert len(list(find_by_rules(Piece("byte 1", text, by_chance=True)))) == found
    assert len(list(find_by_rules(Piece("line 1", text)))) == 1


def test_our_own_ids_are_not():
    assert list(find_by_rules(Piece("x", "sub-IXI013", "patient_id"))) == []


@pytest.mark.parametrize(("age", "found"), [("89.0", 0), ("89.5", 1), ("93", 1), ("", 0), ("unknown", 0)])
def test_ages_are_private_over_89(age, found):
    assert len(list(find_by_rules(Piece("row 1, column age", age, "age")))) == found


def test_a_match_is_the_private_part_alone():
    (match,) = find_by_rules(Piece("line 1", "StationName: MR7 is here"))
    assert match.text == "MR7"


def test_a_line_of_megabytes_is_searched_in_one_pass():
    """Unbounded patterns would need 10^13 steps."""
    line = "ab^/\\@:" + "A" * 3_000_000 + "=1920 years"
    assert list(find_by_rules(Piece("line 1", line))) == []
