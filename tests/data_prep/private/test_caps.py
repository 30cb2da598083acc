import pytest

from data_prep.private.caps import cap_age


@pytest.mark.parametrize(("age", "public"), [(89.1, 89.0), (104, 89.0), (89.0, 89.0), (0.5, 0.5), (None, None)])
def test_no_age_over_89_is_told(age, public):
    assert cap_age(age) == public
