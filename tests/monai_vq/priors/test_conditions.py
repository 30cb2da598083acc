import json
import math

import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.priors import Categorical, ConditionEmbedding, ConditionFields, Continuous

CONTROL = {"diagnosis": "CN", "age": 80.0, "sex": "M", "site": "one", "cdr": "0", "field": "3"}
ROWS = [
    {"diagnosis": "AD", "age": 60.0, "sex": "F", "note": "id0", "site": "one", "cdr": "0.5", "field": "3.0"},
    *(CONTROL | {"note": f"n{i}"} for i in range(120)),
    {"diagnosis": "", "age": None, "sex": "unknown", "note": "x", "site": "one", "cdr": math.nan, "field": ""},
]


def test_fields_are_learned_from_training_rows():
    fields = ConditionFields.from_rows(["diagnosis", "age", "cdr"], ROWS)
    assert fields.fields[0] == Categorical("diagnosis", ("AD", "CN"))
    assert fields.fields[1].mean == pytest.approx((60 + 120 * 80) / 121)
    assert isinstance(fields.fields[2], Continuous)  # numbers as text, as a CSV has them
    assert fields.names == ("diagnosis", "age", "cdr")


def test_encoding_standardises_and_leaves_unknown_unknown():
    fields = ConditionFields((Categorical("diagnosis", ("AD", "CN")), Continuous("age", 70.0, 10.0)))
    encoded = fields.encode([{"diagnosis": "CN", "age": "85"}, {"diagnosis": "", "age": None}, {}])
    assert torch.equal(encoded[0], torch.tensor([1.0, 1.5]))
    assert encoded[1:].isnan().all()
    given = fields.encode_given({"age": 60}, 3)
    assert given[:, 0].isnan().all()
    assert torch.equal(given[:, 1], torch.full((3,), -1.0))


def test_fields_survive_json():
    fields = ConditionFields.from_rows(["diagnosis", "age"], ROWS)
    assert ConditionFields.from_dict(json.loads(json.dumps(fields.to_dict()))) == fields


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["diagnose"], "'diagnose' is no column of the manifest; it has: diagnosis, age"),
        (["site"], "'site' has only 'one'"),
        (["note"], "122 different texts"),
        (["field"], "'field' is 3.0 in all training images"),
    ],
)
def test_columns_that_are_no_condition_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        ConditionFields.from_rows(names, ROWS)


def test_values_that_the_prior_does_not_know_are_refused():
    fields = ConditionFields.from_rows(["diagnosis", "age"], ROWS)
    with pytest.raises(InputError, match="diagnosis 'MCI': expected one of AD, CN"):
        fields.encode_given({"diagnosis": "MCI"}, 1)
    with pytest.raises(InputError, match="age 'old': expected a number"):
        fields.encode_given({"age": "old"}, 1)
    with pytest.raises(InputError, match=r"diagnose is no condition.*did you mean diagnosis"):
        fields.encode_given({"diagnose": "AD"}, 1)


def test_unknown_has_an_embedding_of_its_own_and_each_value_another():
    fields = ConditionFields((Categorical("diagnosis", ("AD", "CN")), Continuous("age", 70.0, 10.0)))
    embedding = ConditionEmbedding(fields, 16).eval()
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0], [math.nan, 0.0], [0.0, 1.0], [0.0, math.nan], [math.nan, math.nan]])
    embedded = embedding(rows, 6)
    distances = torch.cdist(embedded, embedded)
    assert (distances + torch.eye(6) > 1e-3).all()
    assert embedded.isfinite().all()
    assert torch.equal(embedding(None, 1)[0], embedding(rows[5:], 1)[0])


def test_dropout_hides_all_or_some_while_training_only():
    fields = ConditionFields((Categorical("diagnosis", ("AD", "CN")), Continuous("age", 70.0, 10.0)))
    embedding = ConditionEmbedding(fields, 8, dropout=0.3)
    torch.manual_seed(0)
    dropped = embedding._dropped(torch.zeros(40_000, 2))
    assert dropped.all(dim=1).float().mean() == pytest.approx(0.3 + 0.7 * 0.09, abs=0.01)
    assert dropped[:, 0].float().mean() == pytest.approx(1 - 0.7 * 0.7, abs=0.01)
    assert not embedding.eval()._dropped(torch.zeros(100, 2)).any()


def test_gradients_of_unknown_values_are_finite():
    fields = ConditionFields((Continuous("age", 70.0, 10.0),))
    embedding = ConditionEmbedding(fields, 8, dropout=0.0)
    embedding(torch.tensor([[math.nan], [0.5]]), 2).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in embedding.parameters())


def test_wrong_shapes_and_probabilities_are_refused():
    fields = ConditionFields((Continuous("age", 70.0, 10.0),))
    with pytest.raises(ValueError, match=r"expected \(2, 1\)"):
        ConditionEmbedding(fields, 8)(torch.zeros(2, 3), 2)
    with pytest.raises(ValueError, match=r"condition_dropout 1.5 must lie in \[0, 1\]"):
        ConditionEmbedding(fields, 8, dropout=1.5)
