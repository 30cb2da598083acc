from data_prep.private.content import Content


def test_a_part_is_placed_in_what_held_it_and_keeps_the_rest():
    outer, part = Content("member a.csv", b""), Content("base64 at byte 3", b"x", "n.csv", True, "too large")
    assert part.within(outer) == Content("member a.csv, base64 at byte 3", b"x", "n.csv", True, "too large")
    assert part.within(Content("", b"")) == part
