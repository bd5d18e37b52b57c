"""One parameter of a registered thing: type, default, range and help, and the check of a value. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mebench.api.shortened import bound, brief

ParameterType = Literal["int", "float", "str", "bool", "floats", "ints", "strs", "range"]
InVariant = Literal["always", "changed", "never"]

MOST = 1_000_000_000
"""A number lies between minus this and this, where its declaration says nothing else; so none is infinite."""

Range = tuple[int, int]
"""The type of a field that is two whole numbers [start, stop), start below stop. Since version 1.5."""


@dataclass(frozen=True)
class Param:
    """What is said of a field of a dataclass of parameters; name, type and default are the field's own.

    It stands in the type of the field: ``rate: Annotated[float, Param("Learning rate.", minimum=0)] = 0.1``. A subclass
    that writes ``rate: float = 0.3`` changes the default alone. Since version 1.5.

    Attributes:
        help: one sentence with unit and source.
        choices: the legal values, or the legal items of a list, if there are only some; not beside a ``Literal``, which
            says them itself.
        minimum, maximum, in_variant, late: as of a `Parameter`.
    """

    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    in_variant: InVariant = "never"
    late: bool = False


@dataclass(frozen=True)
class Parameter:
    """One parameter of a registered thing, declared once and used for checks, help and results.

    Attributes:
        name: the key in a benchmark file.
        type: ``int``, ``float``, ``str``, ``bool``, or a list: ``ints``, ``floats``, ``strs``, or two whole numbers
            [start, stop): ``range``.
        default: the value where a benchmark file gives none; ``None`` also makes ``null`` a legal value.
        help: one sentence with unit and source.
        choices: the legal values, or the legal items of a list, if there are only some.
        minimum, maximum: inclusive bounds of a number, or of every number of a list; minus and plus 1,000,000,000
            where they are left out.
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
    in_variant: InVariant = "never"
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
                raise ValueError(f"must be {self._expected}, not {brief(value)}")
            checked = [self._check_scalar(item, self.item_type) for item in value]
            if self.type == "range" and (len(checked) != 2 or checked[0] >= checked[1]):
                raise ValueError(f"must be {self._expected}, not {brief(checked)}")
            return checked
        return self._check_scalar(value, self.item_type)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest number that is legal; a default is always legal."""
        default = self.default if isinstance(self.default, (list, tuple)) else [self.default]
        numbers = [value for value in default if isinstance(value, (int, float))] or [0]
        low = min(-MOST, *numbers, 0) if self.minimum is None else self.minimum
        return low, max(MOST, *numbers, low) if self.maximum is None else self.maximum

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
        python_type: Any = {"int": int, "float": (int, float), "str": str, "bool": bool}[kind]
        if not isinstance(value, python_type) or (kind in ("int", "float") and isinstance(value, bool)):
            raise ValueError(f"must be {self._expected}, not {brief(value)}")
        if kind == "float":
            value = _as_float(value)
        if kind in ("int", "float"):
            self._check_bounds(value)
        if self.choices and value not in self.choices:
            raise ValueError(f"must be one of {', '.join(map(str, self.choices))}, not {brief(value)}")
        return value

    def _check_bounds(self, value: float) -> None:
        low, high = self.bounds
        if value != value:
            raise ValueError("must be a number, not NaN")
        if value < low:
            raise ValueError(f"must be at least {bound(low)}, not {brief(value)}")
        if value > high:
            raise ValueError(f"must be at most {bound(high)}, not {brief(value)}")


def _as_float(value: float) -> float:
    """A number as a float, zero without a sign; one that no float can hold stays whole, and is out of bounds."""
    try:
        return float(value) + 0.0
    except OverflowError:
        return value


def label(name: str, parameters: Iterable[Parameter], values: Mapping[str, Any]) -> str:
    """The name and, in brackets, what differs from the defaults or is always shown: ``probability(decimals=2)``.

    Args:
        name: of what has the parameters.
        parameters: in the order in which they are shown.
        values: by name; parameters that are left out have their defaults.
    """
    chosen = [(parameter, values.get(parameter.name, parameter.default)) for parameter in parameters]
    shown = [
        f"{parameter.name}={_word(value)}"
        for parameter, value in chosen
        if parameter.in_variant == "always" or value != parameter.default
    ]
    return f"{name}({','.join(shown)})" if shown else name


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "/".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
