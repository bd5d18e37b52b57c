"""What is checked besides attacks: a defence, a recovery, a detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entry import Entry
from mebench.testing.target import UnderTest

Registered = TypeVar("Registered", bound=Entry)


@dataclass(frozen=True)
class PartUnderTest(UnderTest, Generic[Registered]):
    """A part of the chain between victim and attack before the checks.

    Attributes:
        part: a registered name, or an entry that nothing has registered yet.
        parameters: values in place of the defaults, with which a check takes a moment: few epochs, short windows.
        expected_failures: the reason by the name of each check that is known to fail. They are strict: a check that
            passes against expectation fails.
        module: the module that registers it, for the check that it imports no torch; found for a registered name.
    """

    kind: ClassVar[type[Entry]]

    part: str | Registered
    parameters: Mapping[str, Any] = field(default_factory=dict)
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    module: str = ""

    @property
    def registered(self) -> bool:
        """Whether it is looked up by its name."""
        return isinstance(self.part, str)

    @property
    def name(self) -> str:
        """Its name."""
        return self.part if isinstance(self.part, str) else self.part.name

    @property
    def entry(self) -> Registered:
        """The metadata.

        Raises:
            UnknownNameError: nothing has registered the name.
        """
        found: Any = registry().get(self.kind, self.part) if isinstance(self.part, str) else self.part
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class DefenceUnderTest(PartUnderTest[DefenceEntry]):
    """One defence before the checks.

    Attributes:
        part: a registered name, or an entry that nothing has registered yet.
        parameters: values in place of the defaults, with which it does something to most queries.
        expected_failures: the reason by the name of each check that is known to fail; they are strict.
        module: the module that registers it, for the check that it imports no torch; found for a registered name.
    """

    kind = DefenceEntry


@dataclass(frozen=True)
class RecoveryUnderTest(PartUnderTest[RecoveryEntry]):
    """One recovery before the checks.

    Attributes:
        part: a registered name, or an entry that nothing has registered yet.
        parameters: values in place of the defaults, with which a check takes a moment.
        expected_failures: the reason by the name of each check that is known to fail; they are strict.
        module: the module that registers it, for the check that it imports no torch; found for a registered name.
    """

    kind = RecoveryEntry


@dataclass(frozen=True)
class DetectorUnderTest(PartUnderTest[DetectorEntry]):
    """One detector before the checks.

    Attributes:
        part: a registered name, or an entry that nothing has registered yet.
        parameters: values in place of the defaults, with which it learns in a moment and has a score within 60 queries.
        expected_failures: the reason by the name of each check that is known to fail; they are strict.
        module: the module that registers it, for the check that it imports no torch; found for a registered name.
    """

    kind = DetectorEntry
