import json
import re
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.private.pseudonymize import pseudonymize
from data_prep.pseudonyms import Pseudonyms
from data_prep.rejections import Rejection
from data_prep.sources import Found, Scan
from data_prep.sources.alternative import ReadOrAdvise
from data_prep.sources.bids import find_bids
from monai_vq.data import VolumeError, read_manifest


@pytest.fixture
def tree(bids_tree, write_head):
    """Whose patients are called as nobody may know: SECRET00 to SECRET05."""
    for folder in sorted(bids_tree.glob("sub-P*")):
        renamed = folder.rename(folder.with_name(folder.name.replace("P0", "SECRET0")))
        for path in sorted(renamed.rglob("*P0*")):
            path.rename(path.with_name(path.name.replace("P0", "SECRET0")))
    table = bids_tree / "participants.tsv"
    table.write_text(table.read_text().replace("sub-P0", "sub-SECRET0") + "sub-SECRET77\t999\tF\tCN\n")
    (bids_tree / "sub-SECRET_8").mkdir()
    broken = bids_tree / "sub-SECRET06/anat/sub-SECRET06_T1w.nii.gz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"<html>")
    twin = bids_tree / "sub-SECRET07/anat/sub-SECRET07_T1w.nii.gz"
    twin.parent.mkdir(parents=True)
    twin.write_bytes((bids_tree / "sub-SECRET00/anat/sub-SECRET00_T1w.nii.gz").read_bytes())
    return bids_tree


def test_no_output_and_no_line_holds_an_id(tree, tmp_path, capfd):
    key, out = tmp_path / "kept_apart.json", tmp_path / "out"
    command = ["bids", "--source", str(tree), "--output_dir", str(out), "--pseudonymize", "--key_file", str(key)]
    assert main([*command, "--slice_range", "0.2", "0.8"]) == 0
    assert main([*command, "--dry_run"]) == 0
    printed = capfd.readouterr()
    texts = [printed.out, printed.err, *(path.name for path in out.rglob("*"))]
    texts += [path.read_bytes().decode("latin-1") for path in out.rglob("*") if path.is_file()]
    assert [text[max(0, text.upper().find("SECRET") - 80) :][:200] for text in texts if "SECRET" in text.upper()] == []
    assert len(read_manifest(out)) == 8
    assert "SECRET00" in key.read_text()  # so that the owner can go back


def test_sessions_and_patients_stay_apart_and_together(tree, tmp_path):
    plain = find_bids(tree)
    found = pseudonymize(find_bids(tree), Pseudonyms.open(tmp_path / "key.json"))
    assert len({scan.scan_id for scan in found.scans}) == len(plain.scans)
    by_file = {scan.files: scan for scan in plain.scans}
    pairs = {(by_file[scan.files].patient_id, scan.patient_id) for scan in found.scans}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    visits = sorted(scan.session_id for scan in found.scans if by_file[scan.files].patient_id == "sub-SECRET02")
    assert visits == ["s01", "s02"]


def refuse(files):
    folder = files[0].parent.name
    raise VolumeError(f"the brain of {folder} in {folder}.nii is cut off", "copy it again")


def test_sentences_stay_readable_and_advice_and_rules_are_cleaned(tmp_path):
    advice = {"Doe_Jane": "Roe_Rita/brain.nii is there too", "Roe_Rita": ""}
    ids = {"Doe_Jane": "Doe_Jane", "Roe_Rita": "7"}
    scans = [
        Scan((Path(f"/x/{source}"),), source, ids[name], "", ids[name], read=ReadOrAdvise(refuse, advice[name]))
        for name, source in ((name, f"{name}/brain.nii") for name in ids)
    ]
    rule = f"the group 1 of the regular expression {'(Doe_[^/]*)'!r} and {chr(34) + chr(39)!r}, searched in the path"
    reason = "a mask of the brain; 7 of 9 files like Roe_Rita/brain.nii"
    rejection = Rejection("Roe_Rita/mask.nii", reason, "see Doe_Jane")
    found = Found(rule, scans, [rejection], notes=["7 scans of the brain, first Nobody"])
    hidden = pseudonymize(found, Pseudonyms.open(tmp_path / "key.json"))
    (listed,) = hidden.rejections
    assert re.fullmatch(r"a mask of the brain; 7 of 9 files like series-\d{4}-\w{8}", listed.reason)
    assert re.fullmatch(r"see P\w{10}", listed.remedy)
    assert hidden.notes == ["7 scans of the brain"]
    assert hidden.id_rule == (
        "keyed pseudonym of: the group 1 of the regular expression (hidden) and (hidden), searched in the path"
    )
    jane = next(scan for scan in hidden.scans if "Doe_Jane" in str(scan.path))
    with pytest.raises(VolumeError) as refusal:
        jane.read(jane.files)
    assert refusal.value.reason == "the brain of (name) in (name).nii is cut off"
    assert re.fullmatch(r"copy it again; series-\d{4}-\w{8} is there too", refusal.value.remedy)


def test_the_same_key_gives_the_same_names_and_another_does_not(tree, tmp_path):
    names = [
        [scan.scan_id for scan in pseudonymize(find_bids(tree), Pseudonyms.open(tmp_path / key)).scans]
        for key in ("one.json", "one.json", "two.json")
    ]
    assert names[0] == names[1]
    assert set(names[0]).isdisjoint(names[2])


def test_the_key_stays_out_of_the_dataset(tree, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["bids", "--source", str(tree), "--output_dir", str(out), "--pseudonymize"]
    assert main([*command, "--key_file", str(out / "key.json")]) == 2
    assert "would lie in the prepared dataset" in capsys.readouterr().err
    assert main(command) == 2
    assert "--pseudonymize and --key_file FILE go together" in capsys.readouterr().err
    assert not out.exists()
    assert "key.json" not in json.dumps([str(path) for path in tmp_path.rglob("*")])
