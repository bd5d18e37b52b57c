"""Who follows a run: nobody, or somebody before a screen, with a live table on a terminal and plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from mebench.api.notices import notice
from mebench.api.spec import TrialSpec
from mebench.run.console import PlainConsole
from mebench.run.display import LineDisplay, LiveDisplay
from mebench.run.engine import Listener
from mebench.run.time_left import Speeds


class Audience:
    """Who follows a run; shows nothing by itself."""

    def looking(self) -> AbstractContextManager[object]:
        """Around the search for data, plugins and devices."""
        return nullcontext()

    def told(self, line: str) -> None:
        """What should be known of the data, such as files that were left out."""
        notice(line)

    def noted(self, line: str) -> None:
        """What is said by `mebench.api.notices` meanwhile, where a caller passes it on."""

    def set_aside(self, line: str) -> None:
        """What has become of finished results that run again."""

    def watching(
        self, trials: Sequence[TrialSpec], slots: int, speeds: Speeds
    ) -> AbstractContextManager[list[Listener]]:
        """Around the trials; gives listeners.

        Args:
            trials: that run.
            slots: how many of them at once.
            speeds: what is known of theirs.
        """
        return nullcontext([])


class OnScreen(Audience):
    """Shows a run on stderr.

    Args:
        quiet: whether failures alone are said; on a terminal, one line shows how far it is.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = PlainConsole(stderr=True)

    def say(self, line: str, style: str | None = None, *, always: bool = False) -> None:
        """Say something in one line; where it is quiet, only if ``always``."""
        if always or not self._quiet:
            self._console.print(line, style=style, soft_wrap=not self._console.is_terminal)

    def looking(self) -> AbstractContextManager[object]:
        """See `Audience`."""
        if not self._console.is_terminal or self._quiet:
            return nullcontext()
        return self._console.status("looking for data, plugins and devices", spinner="line")

    def told(self, line: str) -> None:
        """See `Audience`."""
        if not self._quiet:
            notice(line)

    def noted(self, line: str) -> None:
        """See `Audience`."""
        self.say(f"note: {line}")

    def set_aside(self, line: str) -> None:
        """See `Audience`."""
        self.say(line)

    @contextmanager
    def watching(self, trials: Sequence[TrialSpec], slots: int, speeds: Speeds) -> Iterator[list[Listener]]:
        """See `Audience`."""
        display: LiveDisplay | LineDisplay
        if self._console.is_terminal:
            display = LiveDisplay(self._console, trials, slots, speeds, brief=self._quiet)
        elif self._quiet:
            yield []
            return
        else:
            display = LineDisplay(self._console, trials, slots, speeds)
        with display:
            yield [display]
