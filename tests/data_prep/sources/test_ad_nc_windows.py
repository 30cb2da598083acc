from data_prep.sources.ad_nc_windows import describe_windows


def test_a_position_that_says_nothing_tells_no_more_than_the_larger_class():
    note = describe_windows([("AD", 75, 94)] * 3 + [("NC", 75, 94)] * 2)
    assert "75-94 3 / 2; these numbers alone tell the class of 60.0 % of the scans" in note
    assert note.endswith("the larger class would of 60.0 %")


def test_a_position_that_says_all():
    note = describe_windows([("AD", 75, 94), ("NC", 94, 113)])
    assert "75-94 1 / 0, 94-113 0 / 1; these numbers alone tell the class of 100.0 %" in note


def test_the_published_windows_would_tell_what_was_published():
    rows = {(67, 86): (100, 91), (75, 94): (129, 1), (94, 113): (53, 349)}
    scans = [
        (name, *window)
        for window, counts in rows.items()
        for name, n in zip(("AD", "NC"), counts, strict=True)
        for _ in range(n)
    ]
    note = describe_windows(scans)
    assert f"{100 * (100 + 129 + 349) / 723:.1f} %" in note
    assert f"{100 * 441 / 723:.1f} %" in note


def test_a_long_list_is_cut():
    note = describe_windows([("AD", first, first + 19) for first in range(20)])
    assert "11-30 1 and 8 others;" in note
    assert "12-31" not in note
