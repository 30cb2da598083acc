"""Conditions: what is known of an image beside its latent, such as diagnosis, age and slice position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from monai_vq.errors import InputError

MAX_CLASSES = 100  # a column with more texts is an identifier, not a condition
FREQUENCIES = 5  # sines and cosines of a continuous condition; the fastest has 4 periods a standard deviation
UNKNOWN = ("", "unknown", "n/a", "nan", "none")  # how tables write what they do not know


@dataclass(frozen=True)
class Categorical:
    """A condition that takes one of a few values.

    Attributes:
        name: its column.
        values: its classes, in order; an entry of a condition tensor is the index among them.
    """

    name: str
    values: tuple[str, ...]

    def encode(self, value: object) -> float:
        """Returns the class index of a value, NaN of an unknown one.

        Raises:
            InputError: if the value is no class.
        """
        if _is_unknown(value):
            return math.nan
        if str(value) not in self.values:
            raise InputError(f"{self.name} {value!r}: expected one of {', '.join(self.values)}, or unknown.")
        return float(self.values.index(str(value)))


@dataclass(frozen=True)
class Continuous:
    """A condition that is a number.

    Attributes:
        name: its column.
        mean: of the training images.
        sd: standard deviation there, positive.
    """

    name: str
    mean: float
    sd: float

    def encode(self, value: object) -> float:
        """Returns the value in standard deviations from the mean, NaN of an unknown one.

        Raises:
            InputError: if the value is no number.
        """
        if _is_unknown(value):
            return math.nan
        number = _as_number(value)
        if number is None:
            raise InputError(f"{self.name} {value!r}: expected a number, or unknown.")
        return (number - self.mean) / self.sd


Field = Categorical | Continuous


@dataclass(frozen=True)
class ConditionFields:
    """The conditions of a prior, in the order of the condition tensor's columns."""

    fields: tuple[Field, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the conditions come from."""
        return tuple(field.name for field in self.fields)

    @classmethod
    def from_rows(cls, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> ConditionFields:
        """Learns classes, or mean and standard deviation, from the rows of training images.

        Args:
            names: columns; one whose known values all are numbers is continuous, another is categorical.
            rows: one an image.

        Raises:
            InputError: if a column is missing, has no known value, only one, or too many texts.
        """
        return cls(tuple(_learn_field(name, rows) for name in names))

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Tensor:
        """Returns the condition tensor, float32 [N, C], of rows; a value that is missing or unknown is NaN.

        Raises:
            InputError: if a value is no class or no number, or a row has a name that is no condition of this prior.
        """
        return torch.tensor([[f.encode(row.get(f.name)) for f in self.fields] for row in rows]).reshape(len(rows), -1)

    def encode_given(self, given: Mapping[str, Any], number: int) -> Tensor:
        """Returns the condition tensor [number, C] of what a user asks for; what is not given is unknown.

        Raises:
            InputError: as `encode`, and if a name is no condition of this prior.
        """
        for name in given:
            if name not in self.names:
                near = get_close_matches(name, self.names, n=1)
                known = ", ".join(self.names) or "none"
                hint = f"; did you mean {near[0]}?" if near else "."
                raise InputError(f"{name} is no condition of this prior, whose conditions are: {known}{hint}")
        return self.encode([given]).expand(number, -1).clone()

    def to_dict(self) -> list[dict[str, Any]]:
        """Returns the fields as plain values, for JSON and checkpoints."""
        return [{"kind": type(field).__name__, **asdict(field)} for field in self.fields]

    @classmethod
    def from_dict(cls, stored: Sequence[Mapping[str, Any]]) -> ConditionFields:
        """Reads `to_dict`'s values."""
        kinds = {"Categorical": Categorical, "Continuous": Continuous}
        fields = []
        for entry in stored:
            values = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items() if name != "kind"}
            fields.append(kinds[entry["kind"]](**values))
        return cls(tuple(fields))


def _learn_field(name: str, rows: Sequence[Mapping[str, Any]]) -> Field:
    if rows and name not in rows[0]:
        raise InputError(f"condition {name!r} is no column of the manifest; it has: {', '.join(rows[0])}.")
    known = [row[name] for row in rows if not _is_unknown(row[name])]
    classes = sorted({str(value) for value in known})
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "no known value"
        raise InputError(f"condition {name!r} has {found} among the training images; leave it out of --conditions.")
    numbers = [_as_number(value) for value in known]
    if all(number is not None for number in numbers):
        values = torch.tensor(numbers, dtype=torch.float64)
        if not values.std() > 0:
            raise InputError(
                f"condition {name!r} is {numbers[0]} in all training images; leave it out of --conditions."
            )
        return Continuous(name, float(values.mean()), float(values.std()))
    if len(classes) > MAX_CLASSES:
        raise InputError(
            f"condition {name!r} has {len(classes)} different texts among the training images, such as "
            f"{classes[0]!r}: that is an identifier; leave it out of --conditions."
        )
    return Categorical(name, tuple(classes))


def _is_unknown(value: object) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or str(value).strip().lower() in UNKNOWN


def _as_number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class ConditionEmbedding(nn.Module):
    """Embeds conditions [B, C] as one vector [B, dim]; an unknown one has a vector of its own.

    While training, all conditions of an image are dropped with probability ``dropout``, and each of the others with the
    same probability again, so that the prior also learns to do without any of them: classifier-free guidance
    (Ho & Salimans 2022) needs the former, a question that gives some conditions only the latter.

    Args:
        fields: what the columns are.
        dim: of the embedding.
        dropout: probability, 0 to 1.

    Raises:
        ValueError: if dropout is outside [0, 1].
    """

    def __init__(self, fields: ConditionFields, dim: int, dropout: float = 0.1) -> None:
        super().__init__()
        if not 0 <= dropout <= 1:
            raise ValueError(f"condition_dropout {dropout} must lie in [0, 1].")
        self.fields, self.dim, self.dropout = fields, dim, dropout
        self.values = nn.ModuleList(
            nn.Embedding(len(field.values), dim)
            if isinstance(field, Categorical)
            else nn.Linear(2 * FREQUENCIES + 1, dim)
            for field in fields.fields
        )
        self.unknown = nn.Parameter(torch.randn(len(fields.fields), dim) * 0.02)
        self.mix = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, condition: Tensor | None, batch: int) -> Tensor:
        """Returns [B, dim] of conditions [B, C]; None stands for B images of which nothing is known.

        Raises:
            ValueError: if the tensor has another shape than [B, C].
        """
        columns = len(self.fields.fields)
        if condition is None:
            condition = self.unknown.new_full((batch, columns), torch.nan)
        if tuple(condition.shape) != (batch, columns):
            raise ValueError(
                f"condition has shape {tuple(condition.shape)}, expected {(batch, columns)}: a row an image, and the "
                f"columns {', '.join(self.fields.names)}."
            )
        unknown = condition.isnan() | self._dropped(condition)
        parts = [
            torch.where(
                unknown[:, i, None], self.unknown[i], self._embed(i, condition[:, i].masked_fill(unknown[:, i], 0))
            )
            for i in range(columns)
        ]
        return self.mix(torch.stack(parts).sum(dim=0))

    def _dropped(self, condition: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return torch.zeros_like(condition, dtype=torch.bool)
        each = torch.rand_like(condition) < self.dropout
        return each | (torch.rand_like(condition[:, :1]) < self.dropout)

    def _embed(self, column: int, values: Tensor) -> Tensor:
        embedding = self.values[column]
        if isinstance(embedding, nn.Embedding):
            return embedding(values.long())
        angles = values[:, None] * (torch.pi / 2 * 2 ** torch.arange(FREQUENCIES, device=values.device))
        return embedding(torch.cat([values[:, None], angles.sin(), angles.cos()], dim=1))
