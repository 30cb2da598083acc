from data_prep.private.findings import Finding, describe, mask


def test_masked_text_does_not_hold_the_text():
    for text in ("Doe^Jane", "Jane", "/home/jane/scans", "x"):
        assert text not in mask(text)


def test_one_text_is_told_once_with_the_number_of_its_places():
    findings = [Finding("a.csv", f"row {row}", "date", "20…(8 characters)", "take it out") for row in (1, 2, 3)]
    assert list(describe(findings)) == ["a.csv: row 1 and 2 more: date 20…(8 characters); take it out"]


def test_of_many_texts_of_one_kind_the_first_are_told_and_the_rest_are_counted():
    findings = [Finding("a.csv", "row 1", "date", f"{number}…", "take it out") for number in range(50)]
    lines = list(describe([*findings, Finding("a.csv", "row 1", "DICOM UID", "1.…", "take it out")]))
    assert len(lines) == 12
    assert lines[10] == "a.csv: row 1: DICOM UID 1.…; take it out"
    assert lines[11] == "a.csv: 40 further texts: date; as above"
