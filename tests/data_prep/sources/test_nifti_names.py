import pytest

from data_prep.sources.nifti_names import pad_numbers

# [sessions in the order of time, as they are to sort]
ORDERS = [
    [["m0", "m6", "m12"], ["m00", "m06", "m12"]],
    [["1", "2", "10"], ["01", "02", "10"]],
    [["ses-01", "ses-02", "ses-10"], ["ses-01", "ses-02", "ses-10"]],
    [["2020-11-30", "2021-03-01"], ["2020-11-30", "2021-03-01"]],
    [["", "v1"], ["", "v1"]],
    [["v1r2", "v1r10", "v2r1"], ["v01r02", "v01r10", "v02r01"]],
]


@pytest.mark.parametrize(("sessions", "padded"), ORDERS)
def test_sessions_sort_as_text_in_their_order(sessions, padded):
    names = pad_numbers(set(sessions))
    assert [names[session] for session in sessions] == padded == sorted(padded)
