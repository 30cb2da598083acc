from data_prep.qc.scan_table import PlacedScan, list_facts, scan_table


def test_rows_hold_the_values_of_the_columns(make_record):
    scans = [PlacedScan("train", make_record(0, age=None)), PlacedScan("val", make_record(1, warnings="cut; dark"))]
    table = scan_table(scans, "patient")
    first, second = (dict(zip(table["columns"], row, strict=True)) for row in table["rows"])
    assert first["age"] is None
    assert second == {
        "patient": "sub-P01",
        "session": "ses-01",
        "scan": "sub-P01_ses-01",
        "split": "val",
        "diagnosis": "AD",
        "age": 61.0,
        "sex": "F",
        "shape": "32x24x10",
        "spacing": "2x2x4",
        "slices": 10,
        "warnings": "cut; dark",
    }


def test_columns_without_any_value_are_left_out(make_record):
    scans = [PlacedScan("train", make_record(0, session_id="", age=None, spacing=(), site="12"))]
    columns = scan_table(scans, "patient")["columns"]
    assert not {"session", "age", "spacing", "warnings", "tesla"} & set(columns)
    assert "site" in columns


def test_without_patients_the_column_of_ids_is_left_out_where_it_repeats_the_scan(make_record):
    same = PlacedScan("train", make_record(0, patient_id="a", scan_id="a"))
    assert "patient" not in scan_table([same], "scan")["columns"]
    assert "patient" in scan_table([same], "patient")["columns"]
    assert "patient" in scan_table([same, PlacedScan("train", make_record(1))], "scan")["columns"]


def test_facts_name_the_slices_on_the_strip_by_their_place_in_the_volume(make_record):
    facts = " · ".join(list_facts(make_record(3)))
    assert facts == "sub-P03_ses-01 · AD · F · 63 years · stored 32x24x10 LPS · 10 slices, shown 5 6 8 9 10 11 13 14"
