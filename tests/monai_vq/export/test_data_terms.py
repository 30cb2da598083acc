import pytest

from data_prep.sources import SOURCES
from monai_vq.errors import InputError
from monai_vq.export.data_terms import TERMS, find_terms


def test_every_source_of_a_term_is_one_of_data_prep_and_of_one_term_only():
    named = [source for terms in TERMS.values() for source in terms.sources]
    assert set(named) <= set(SOURCES)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(("source", "word"), [("oasis3", "OASIS"), ("ad_nc", "ADNI")])
def test_a_source_with_terms_of_its_own_is_known(source, word):
    assert word in find_terms(None, None, {"source": source}).as_text()


@pytest.mark.parametrize("preparation", [{}, {"source": "bids"}, {"source": "dicom"}])
def test_files_of_anybody_have_no_known_terms(preparation):
    assert find_terms(None, None, preparation) is None


def test_a_name_says_whose_files_of_anybody_are():
    assert find_terms("ixi", None, {"source": "bids"}) is TERMS["ixi"]
    assert find_terms("oasis", None, {"source": "oasis1"}) is TERMS["oasis"]
    with pytest.raises(InputError, match="--dataset ukb: expected one of adni, cifar10, ixi"):
        find_terms("ukb", None, {})


@pytest.mark.parametrize(("name", "source"), [("phantom", "adni"), ("ixi", "oasis1")])
def test_a_name_cannot_free_data_of_the_terms_of_their_source(name, source):
    with pytest.raises(InputError, match=f"data_prep {source}`, which reads nothing but"):
        find_terms(name, None, {"source": source})


def test_a_file_is_taken_word_for_word(tmp_path):
    (tmp_path / "own.txt").write_text("Ours.\nAsk us.\n")
    assert find_terms(None, tmp_path / "own.txt", {}).as_text() == "Ours.\nAsk us.\n"
    assert find_terms("ixi", tmp_path / "own.txt", {}).title == TERMS["ixi"].title
    with pytest.raises(InputError, match=r"--data_license .*none.txt cannot be read"):
        find_terms(None, tmp_path / "none.txt", {})


@pytest.mark.parametrize("name", ["adni", "cifar10", "ixi", "oasis"])
def test_a_summary_says_so_and_where_the_terms_are_read(name):
    text = TERMS[name].as_text()
    assert "a summary by the makers of monai_vq, who do not speak for the provider" in text
    assert f"read the terms at {TERMS[name].url}" in text


def test_what_is_no_summary_does_not_say_so(tmp_path):
    (tmp_path / "own.txt").write_text("Ours.\n")
    assert find_terms("ixi", tmp_path / "own.txt", {}).caution == ""
    assert TERMS["phantom"].caution == ""  # made, not provided: there is nothing to read elsewhere
