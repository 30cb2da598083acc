from pathlib import PurePath

import pytest

from data_prep.private.path_words import hide_words, path_words

# [path, sentence, what stays of it]
SENTENCES = [
    [
        "scans/brain/Doe_Jane/anat/Doe_Jane_1931_T1w.nii.gz",
        "the brain in anat of scans contradicts Doe_Jane (1931), as the name ends in _T1w.nii.gz; rename the file",
        "the brain in anat of scans contradicts (name) ((name)), as the name ends in _T1w.nii.gz; rename the file",
    ],
    ["the_big_study/Doe/t1.nii", "the big volume of Doe's", "the big volume of (name)'s"],
    ["sub-Doe_07/x.nii", "the label 'Doe_07': rename it to sub-Doe07", "the label '(name)': rename it to sub-(name)"],
    ["sub-Doe_07", "as to subDoe07 or Doe07", "as to (name) or (name)"],
    ["002_S_0295/ADNI_002_S_0295_MR.nii", "the name says 002_S_0295, not x", "the name says (name), not x"],
    ["P7/t1.nii", "7 voxels of P7x", "7 voxels of P7x"],
    ["a/b.nii", "a file b.nii", "a file (name)"],
]


@pytest.mark.parametrize(("path", "sentence", "expected"), SENTENCES)
def test_a_sentence_loses_names_and_keeps_its_words(path, sentence, expected):
    hide = hide_words(dict.fromkeys(path_words(PurePath(path)), "(name)"))
    assert hide(sentence) == expected


def test_the_longest_word_is_replaced_first():
    assert hide_words({"P01": "A", "P01/t1.nii": "B"})("P01/t1.nii of P01, not P012") == "B of A, not P012"
    assert hide_words({})("P01") == "P01"
