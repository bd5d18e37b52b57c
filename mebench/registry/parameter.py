"""One parameter of a registered thing: type, default, range and help, and the check of a value. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ParameterType = Literal["int", "float", "str", "bool", "floats", "ints", "strs", "range"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a registered thing, declared once and used for checks, help and results.

    Attributes:
        name: the key in a benchmark file and the keyword argument of the target.
        type: ``int``, ``float``, ``str``, ``bool``, or a list: ``ints``, ``floats``, ``strs``, or two whole numbers
            [start, stop): ``range``.
        default: the value where a benchmark file gives none; ``None`` also makes ``null`` a legal value.
        help: one sentence with unit and source.
        choices: the legal values, or the legal items of a list, if there are only some.
        minimum, maximum: inclusive bounds of a number, or of every number of a list.
        in_variant: whether the value is part of the variant name of a leaderboard row: ``always``,
            ``changed`` (only where it differs from the default) or ``never``.
        late: it was added when there were results already, and its default is what was done before: specs leave it out
            where it has its default, so that the ids of those results stay what they are.
    """

    name: str
    type: ParameterType
    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    in_variant: Literal["always", "changed", "never"] = "never"
    late: bool = False

    def check(self, value: Any) -> Any:
        """Return ``value`` in the parameter's type.

        Raises:
            ValueError: says in one clause what is wrong with the value.
        """
        if value is None:
            if self.default is None:
                return None
            raise ValueError(f"must be {self._expected}, not null")
        if self.is_list:
            if not isinstance(value, (list, tuple)):
                raise ValueError(f"must be {self._expected}, not {value!r}")
            checked = [self._check_scalar(item, self.item_type) for item in value]
            if self.type == "range" and (len(checked) != 2 or checked[0] >= checked[1]):
                raise ValueError(f"must be {self._expected}, not {checked!r}")
            return checked
        return self._check_scalar(value, self.item_type)

    @property
    def is_list(self) -> bool:
        """Whether values are lists."""
        return self.type in ("ints", "floats", "strs", "range")

    @property
    def item_type(self) -> str:
        """The type of a value, or of each item of a list."""
        if self.type == "range":
            return "int"
        return self.type.removesuffix("s") if self.is_list else self.type

    @property
    def _expected(self) -> str:
        words = {
            "int": "a whole number",
            "float": "a number",
            "str": "a string",
            "bool": "true or false",
            "ints": "a list of whole numbers",
            "floats": "a list of numbers",
            "strs": "a list of strings",
            "range": "[start, stop] with start below stop",
        }
        return words[self.type]

    def _check_scalar(self, value: Any, kind: str) -> Any:
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        python_type: type[Any] = {"int": int, "float": float, "str": str, "bool": bool}[kind]
        if not isinstance(value, python_type) or (kind == "int" and isinstance(value, bool)):
            raise ValueError(f"must be {self._expected}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(map(str, self.choices))}, not {value!r}")
        if kind in ("int", "float"):
            if value != value:
                raise ValueError("must be a number, not NaN")
            if self.minimum is not None and value < self.minimum:
                raise ValueError(f"must be at least {self.minimum:g}, not {value!r}")
            if self.maximum is not None and value > self.maximum:
                raise ValueError(f"must be at most {self.maximum:g}, not {value!r}")
        return value
