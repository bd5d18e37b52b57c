"""What every registered thing has: metadata, parameters, and a lazy ``"module:object"``. Imports no torch.

An entry's target is imported when a trial needs it, never when names are listed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from mebench.api.errors import ConfigurationError, PluginError
from mebench.api.spec import Component
from mebench.api.suggestions import did_you_mean
from mebench.registry.declaration import made, parameters_of
from mebench.registry.parameter import Parameter, label

Result = TypeVar("Result")

_OWN_NAMES = re.compile(r"\bmebench_plugin_[0-9a-f]{8}_")
"""What `mebench.registry.sources` puts before the names of modules in plugin folders; nobody has written it."""


class Caller(Protocol):
    """Who calls a plugin's code: a guard, whose errors name the plugin."""

    def call(self, doing: str, function: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        """Call a function; ``doing`` is what for, e.g. ``loading``."""


class Known(Protocol):
    """The registry, as far as an entry asks it."""

    def names(self, kind: type[Entry]) -> list[str]:
        """The names of one kind, sorted."""

    def channels_for(self, needs: frozenset[str]) -> list[str]:
        """The channels that give all of what is needed."""


class _Plainly:
    """Calls as it stands."""

    def call(self, doing: str, function: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        return function(*arguments, **more)


@dataclass(frozen=True)
class Entry:
    """What every registered thing has.

    Attributes:
        name: unique within its kind; lower case, digits and hyphens.
        summary: one sentence.
        target: ``"module:object"``, imported only when it is used.
        parameters: what a benchmark file may set. A frozen dataclass whose fields say it (since version 1.5); an object
            of it is the target's last argument. Or a tuple of `Parameter`; the target gets a keyword for each.
    """

    kind: ClassVar[str]
    """What it is in one word: ``attack``. Part of messages and of results."""
    plural: ClassVar[str]
    """Several of them: ``attacks``. What `mebench list` takes, and a part of the hook's name."""
    phrase: ClassVar[str]
    """What it is in a sentence: ``an attack``."""
    doing: ClassVar[str] = "its constructor"
    """What a call of the target is for, in errors."""
    targets: ClassVar[tuple[str, ...]] = ("target",)
    """The fields that may be a ``"module:object"``."""

    name: str
    summary: str
    target: str
    parameters: tuple[Parameter, ...] | type[Any] = ()

    @classmethod
    def hook(cls) -> str:
        """The hook that registers entries of this kind: ``mebench_attacks``."""
        return f"mebench_{cls.plural}"

    def facts(self, known: Known) -> dict[str, str]:
        """What `mebench info` says of it besides its parameters; what is empty is not shown."""
        return {}

    @property
    def declared(self) -> tuple[Parameter, ...]:
        """The parameters one by one, however they are declared.

        Raises:
            PluginError: the dataclass declares them wrongly.
        """
        own = parameters_of(self.parameters) if isinstance(self.parameters, type) else tuple(self.parameters)
        return (*own, *self.added)

    @property
    def added(self) -> tuple[Parameter, ...]:
        """Parameters that mebench itself reads: the target never sees them."""
        return ()

    def load(self) -> Any:
        """Import and return the target.

        Raises:
            PluginError: the module cannot be imported, or has no such object.
        """
        module_name, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except Exception as error:
            said = f"{self.name}: cannot load {self.target!r}: {type(error).__name__}: {error}"
            raise PluginError(_OWN_NAMES.sub("", said)) from error

    def call(
        self, *arguments: Any, given: Mapping[str, Any] = MappingProxyType({}), through: Caller | None = None
    ) -> Any:
        """Load the target and call it; the only way in which one is called.

        Args:
            arguments: what its kind is called with, e.g. the context of an attack.
            given: parameters in place of the defaults.
            through: the guard of a plugin's code.

        Raises:
            PluginError: the target cannot be loaded.
            ConfigurationError: as `resolve`.
        """
        caller = through or _Plainly()
        target = caller.call("loading", self.load)
        return caller.call(self.doing, self.with_parameters(target, given), *arguments)

    def with_parameters(self, target: Callable[..., Any], given: Mapping[str, Any]) -> Callable[..., Any]:
        """A loaded target that needs its other arguments only.

        Raises:
            ConfigurationError: as `resolve`.
        """
        kept = [parameter.name for parameter in self.added]
        resolved = {name: value for name, value in self.resolve(given).items() if name not in kept}
        if not isinstance(self.parameters, type):
            return partial(target, **resolved)
        declared = self.parameters
        return lambda *arguments: target(*arguments, made(declared, resolved))

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters with defaults filled in, in the order of their declaration.

        Raises:
            ConfigurationError: with one ``key: problem`` line per unknown or unfit value.
        """
        problems: list[str] = []
        known = [parameter.name for parameter in self.declared]
        for key in given:
            if key not in known:
                problems.append(f"{key}: {self.name} has no such parameter{did_you_mean(key, known)}")
        resolved: dict[str, Any] = {}
        for parameter in self.declared:
            value = given.get(parameter.name, parameter.default)
            try:
                resolved[parameter.name] = parameter.check(value)
            except ValueError as error:
                problems.append(f"{parameter.name}: {error}")
        if problems:
            raise ConfigurationError(*problems)
        return resolved

    def as_component(self, given: Mapping[str, Any]) -> Component:
        """Return what a spec keeps: name and resolved parameters, less late ones that have their default.

        Raises:
            ConfigurationError: as `resolve`.
        """
        resolved = self.resolve(given)
        default = [one.name for one in self.declared if one.late and resolved[one.name] == one.default]
        return Component(self.name, {name: value for name, value in resolved.items() if name not in default})

    def variant(self, parameters: Mapping[str, Any]) -> str:
        """Name the variant that parameters make; ``"default"`` where nothing tells it apart.

        Parameters that are left out have their defaults.
        """
        words = []
        for parameter in self.declared:
            value = parameters.get(parameter.name, parameter.default)
            changed = parameter.in_variant == "changed" and value != parameter.default
            if parameter.in_variant == "always" or changed:
                words.append(value if isinstance(value, str) else f"{parameter.name}={value}")
        return ",".join(words) or "default"

    def label(self, parameters: Mapping[str, Any]) -> str:
        """The name and, in brackets, what differs from the defaults or is always shown: ``probability(decimals=2)``.

        Parameters that are left out have their defaults.
        """
        return label(self.name, self.shown(parameters), parameters)

    def shown(self, parameters: Mapping[str, Any]) -> tuple[Parameter, ...]:
        """The parameters that a label may show."""
        return self.declared
