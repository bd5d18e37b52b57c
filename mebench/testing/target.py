"""What is checked: an attack, with parameters that make it quick, and what is known to fail."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.registry.entry import Entry


class UnderTest(ABC):
    """What everything that is checked has.

    Attributes:
        parameters: values in place of the defaults.
        expected_failures: the reason by the name of each check that is known to fail.
        module: the module that registers it.
    """

    parameters: Mapping[str, Any]
    expected_failures: Mapping[str, str]
    module: str

    @property
    @abstractmethod
    def registered(self) -> bool:
        """Whether it is looked up by its name."""

    @property
    @abstractmethod
    def entry(self) -> Entry:
        """The metadata.

        Raises:
            UnknownNameError: nothing has registered the name.
        """

    @property
    def name(self) -> str:
        """Its name."""
        return self.entry.name

    @property
    def package(self) -> str:
        """The top-level package or module that its code lies in."""
        return self.entry.target.partition(":")[0].partition(".")[0]

    def resolved(self, changes: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """All parameters, those under test and then ``changes`` in place of the defaults."""
        return self.entry.resolve({**self.parameters, **changes})

    def check_names(self, known: Sequence[str]) -> None:
        """Raise a `ConfigurationError` if a failure is expected of a check that does not exist."""
        unknown = [name for name in self.expected_failures if name not in known]
        if unknown:
            lines = [
                f"{self.name}: expected_failures: no check {name!r}{did_you_mean(name, known)}" for name in unknown
            ]
            raise ConfigurationError(*lines)


@dataclass(frozen=True)
class AttackUnderTest(UnderTest):
    """One attack before the checks.

    Attributes:
        attack: a registered name, or an entry that nothing has registered yet.
        parameters: values in place of the defaults, so that a check takes a second: batches of about 32, small
            networks. The defaults themselves are only built, not run.
        channels: the channels to run on, most checks on the first; without it every registered one that gives what
            the attack needs.
        expected_failures: the reason by the name of each check that is known to fail. They are strict: a check that
            passes against expectation fails.
        module: the module that registers the attack, for the check that it imports no torch; found for a registered
            name.
        pictures: the folder for pictures of what a check has found; without it, one for temporary files.
    """

    attack: str | AttackEntry
    parameters: Mapping[str, Any] = field(default_factory=dict)
    channels: Sequence[str | ChannelEntry] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    pictures: Path | None = None

    @property
    def registered(self) -> bool:
        """Whether the attack is looked up by its name."""
        return isinstance(self.attack, str)

    @property
    def name(self) -> str:
        """The attack's name."""
        return self.attack if isinstance(self.attack, str) else self.attack.name

    @property
    def entry(self) -> AttackEntry:
        """The attack's metadata.

        Raises:
            UnknownNameError: nothing has registered the name.
        """
        return registry().get(AttackEntry, self.attack) if isinstance(self.attack, str) else self.attack

    @property
    def channel_entries(self) -> list[ChannelEntry]:
        """The channels to run on; unless they are given, those that give least come first.

        Raises:
            UnknownNameError: nothing has registered the name of a channel.
            ConfigurationError: a channel does not give what the attack needs.
        """
        if self.channels:
            given = [registry().get(ChannelEntry, one) if isinstance(one, str) else one for one in self.channels]
            unfit = [one for one in given if not self.entry.needs <= one.gives]
            if unfit:
                raise ConfigurationError(*(self._unfit(one) for one in unfit))
            return given
        fit = [registry().get(ChannelEntry, name) for name in registry().channels_for(self.entry.needs)]
        return sorted(fit, key=lambda one: (len(one.gives), one.name))

    def _unfit(self, channel: ChannelEntry) -> str:
        missing = " and ".join(sorted(self.entry.needs - channel.gives))
        fit = ", ".join(registry().channels_for(self.entry.needs))
        return f"{self.name} needs {missing}, which channel {channel.name} does not give. Channels that do: {fit}"

    def picture(self, check: str) -> Path:
        """Where a check keeps the picture of what it has found."""
        folder = self.pictures or Path(tempfile.mkdtemp(prefix="mebench-check-"))
        return folder / f"{self.name}-{check}.png"
