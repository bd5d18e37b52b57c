"""From a frozen dataclass to parameters, and from checked values to an object of that class. Imports no torch."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from weakref import WeakKeyDictionary

from mebench.api.errors import PluginError
from mebench.registry.parameter import Param, Parameter, ParameterType, Range, label

Made = TypeVar("Made")

_SCALARS: dict[type[Any], ParameterType] = {int: "int", float: "float", str: "str", bool: "bool"}
_LISTS: dict[type[Any], ParameterType] = {int: "ints", float: "floats", str: "strs"}
_TYPES = "int, float, str, bool, a Literal of one of these, a tuple or list of one of these, or Range"


@dataclass(frozen=True)
class _Type:
    """What the type of a field says.

    Attributes:
        word: the type of the parameter.
        choices: those of a ``Literal``.
        optional: whether it may be None.
        as_list: whether the object holds a list, and no tuple.
    """

    word: ParameterType
    choices: tuple[Any, ...] = ()
    optional: bool = False
    as_list: bool = False


_known: WeakKeyDictionary[type[Any], tuple[Parameter, ...]] = WeakKeyDictionary()


def parameters_of(declared: type[Any]) -> tuple[Parameter, ...]:
    """The parameters that the fields of a frozen dataclass declare, in their order.

    Raises:
        PluginError: it is no frozen dataclass, or a field does not say what it must.
    """
    if declared not in _known:
        if not is_dataclass(declared) or not getattr(declared, "__dataclass_params__").frozen:  # noqa: B009
            raise PluginError(f"parameters must be a frozen dataclass or a tuple of Parameter, not {declared.__name__}")
        _known[declared] = tuple(_parameter(declared, field) for field in fields(declared))
    return _known[declared]


def made(declared: type[Made], resolved: Mapping[str, Any]) -> Made:
    """An object of the dataclass with resolved values: lists become tuples, where the type of the field is no list."""
    lists = _lists(declared)
    values = {
        name: tuple(value) if isinstance(value, list) and name not in lists else value
        for name, value in resolved.items()
    }
    return declared(**values)


def labelled(name: str, parameters: Any) -> str:
    """The `label` of an object of a dataclass of parameters."""
    declared = parameters_of(type(parameters))
    return label(name, declared, {one.name: _plain(getattr(parameters, one.name)) for one in declared})


def _parameter(declared: Any, field: Field[Any]) -> Parameter:
    place = f"{declared.__name__}.{field.name}"
    annotation, said = _declaration(declared, field.name)
    if said is None:
        raise PluginError(f'{place}: say what it is, e.g. Annotated[int, Param("Queries per batch.", minimum=1)]')
    read = _read(annotation)
    if read is None:
        raise PluginError(f"{place}: its type must be {_TYPES}, or one of these or None")
    if said.choices and read.choices:
        raise PluginError(f"{place}: its Literal says the choices: leave them out of its Param")
    if not field.init:
        raise PluginError(f"{place}: a field with init=False cannot be set: make it a property")
    default = _default(place, field)
    if (default is None) != read.optional:
        words = "it may be None, so None must be its default" if read.optional else "its default is None, its type not"
        raise PluginError(f"{place}: {words}")
    return Parameter(
        field.name,
        read.word,
        _plain(default),
        said.help,
        choices=read.choices or said.choices,
        minimum=said.minimum,
        maximum=said.maximum,
        in_variant=said.in_variant,
        late=said.late,
    )


def _declaration(declared: type[Any], name: str) -> tuple[Any, Param | None]:
    """The type of a field from the class that declares it last, and its `Param` from the last that gives one."""
    types_found = []
    for base in declared.__mro__:
        if name in (annotations := _annotations(base)):
            annotation, *said = get_args(annotations[name]) if _annotated(annotations[name]) else [annotations[name]]
            types_found.append(annotation)
            if told := [one for one in said if isinstance(one, Param)]:
                return types_found[0], told[0]
    return types_found[0] if types_found else None, None


def _annotated(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated


@cache
def _annotations(base: type[Any]) -> Mapping[str, Any]:
    """The annotations of one class itself, also those that are written as text."""
    try:
        return inspect.get_annotations(base, eval_str=True)
    except Exception as error:
        raise PluginError(f"{base.__name__}: cannot read its types: {type(error).__name__}: {error}") from error


def _read(annotation: Any) -> _Type | None:
    """What a type says; None if it is none that a parameter can have."""
    if get_origin(annotation) in (Union, types.UnionType):
        options = [one for one in get_args(annotation) if one is not type(None)]
        inner = _read(options[0]) if len(options) == 1 else None
        return inner and _Type(inner.word, inner.choices, optional=True, as_list=inner.as_list)
    if annotation == Range:
        return _Type("range")
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (tuple, list, Sequence):
        scalar, choices = _scalar(inside[0])
        known = scalar in _LISTS and (inside[1:] == (...,) if origin is tuple else True)
        return _Type(_LISTS[scalar], choices, as_list=origin is list) if known else None
    scalar, choices = _scalar(annotation)
    return _Type(_SCALARS[scalar], choices) if scalar in _SCALARS else None


def _scalar(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A plain type, and the choices if it is a ``Literal``."""
    if get_origin(annotation) is not Literal:
        return annotation, ()
    choices = get_args(annotation)
    kinds = {type(one) for one in choices}
    return kinds.pop() if len(kinds) == 1 else None, choices


def _default(place: str, field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    if field.default_factory is MISSING:
        raise PluginError(f"{place}: has no default, which every parameter must have")
    try:
        return field.default_factory()
    except Exception as error:
        raise PluginError(f"{place}: its default failed: {type(error).__name__}: {error}") from error


def _lists(declared: type[Any]) -> frozenset[str]:
    """The fields that hold lists."""
    read = {field.name: _read(_declaration(declared, field.name)[0]) for field in fields(declared)}
    return frozenset(name for name, one in read.items() if one and one.as_list)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return list(value) if isinstance(value, tuple) else value
