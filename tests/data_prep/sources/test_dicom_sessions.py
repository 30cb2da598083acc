from pathlib import Path
from types import SimpleNamespace

from data_prep.sources.dicom_sessions import number_sessions


def series(date, study, number=1, time="", uid="1", echo=None, path="a"):
    info = SimpleNamespace(date=date, time=time, series_number=number)
    header = SimpleNamespace(
        info=info, study=study, series=uid, path=Path(path), frames=[SimpleNamespace(echo_time=echo)]
    )
    return SimpleNamespace(headers=[header])


def labels(*volumes):
    numbered = {id(one): (session, run) for session, run, one in number_sessions(volumes)}
    return [numbered[id(one)] for one in volumes]


def test_sessions_are_numbered_by_date_then_time():
    assert labels(
        series("20210101", "1.3"), series("20200101", "1.9"), series("20210101", "1.1", time="09"), series("", "1.0")
    ) == [("ses-02", "run-01"), ("ses-01", "run-01"), ("ses-03", "run-01"), ("ses-04", "run-01")]


def test_volumes_of_a_study_are_numbered_as_they_were_scanned():
    assert labels(
        series("20200101", "1", number=10),
        series("20200101", "1", number=9, echo=7.1),
        series("20200101", "1", number=9, echo=4.6),
        series("20200101", "1", number=None),
    ) == [("ses-01", "run-03"), ("ses-01", "run-02"), ("ses-01", "run-01"), ("ses-01", "run-04")]


def test_labels_sort_as_text_however_many_there_are():
    volumes = [series(f"{2000 + year}0101", str(year)) for year in range(101)]
    sessions = [session for session, _ in labels(*volumes)]
    assert sessions == sorted(sessions)
    assert (sessions[0], sessions[-1]) == ("ses-001", "ses-101")
