"""The errors that mebench shows to its users."""

from __future__ import annotations

import re

from mebench.api.exit_codes import ExitCode


class MebenchError(Exception):
    """A problem that the user can act on: printed as one line, without a traceback.

    Attributes:
        exit_code: the process exit code that the command line uses for it.
    """

    exit_code: int = ExitCode.USAGE


class ConfigurationError(MebenchError):
    """A benchmark file, an option or a parameter is wrong.

    Args:
        problems: one line per problem, each saying where it is and what to do.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class UnknownNameError(ConfigurationError):
    """A name is not in the registry."""


class DataUnavailableError(MebenchError):
    """A data set is on none of the places where it is looked for."""


class PluginError(MebenchError):
    """A plugin cannot be used; the message names it, its distribution and its version."""


class PluginFaultError(PluginError):
    """A plugin's code failed, or did what it must not, in a trial; the message names it and says what."""

    exit_code = ExitCode.INCOMPLETE


class VictimFaultError(PluginFaultError):
    """A victim failed while it was asked, or gave no gradient that a channel needs; the message names it."""


class ResultsError(MebenchError):
    """A results folder or file cannot be read or compared."""


class UnwritableError(MebenchError):
    """A file or a stream cannot be written; what was there before is still there.

    Attributes:
        reason: why not, in words.
    """

    def __init__(self, what: object, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{what}: cannot be written: {reason}")


class OracleError(MebenchError):
    """An attack broke a rule of the oracle."""

    exit_code = ExitCode.INCOMPLETE


class NothingToAskError(MebenchError):
    """A strategy proposed no query: it has no more to ask, and its trial ends."""


class BudgetExceededError(OracleError):
    """A request does not fit the remaining budget; the victim was not run."""


class InvalidQueryError(OracleError):
    """A request is outside the victim's input spec (shape, dtype, range, NaN); the victim was not run."""


class NotFiniteQueryError(InvalidQueryError):
    """A request holds a NaN or an infinity: a programming error, or training that has diverged."""


_SCRIPT_FAILED = "The following operation failed in the TorchScript interpreter"
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception): ?(.*)", re.MULTILINE | re.DOTALL)
_STACK = re.compile(r"\n(?:Exception raised from |frame #\d+: |C\+\+ CapturedTraceback)")
_OTHER_DEVICE = re.compile(r"(Could not run '.*?' with arguments from the '.*?' backend)\..*", re.DOTALL)
"""Behind that, torch lists every operation of every backend."""
_LONGEST = 500


def reason(error: BaseException) -> str:
    """What an error says, in one line of at most 500 characters; its kind where it says nothing.

    TorchScript puts its own frames first and the reason last; torch puts frames of its C++ code behind the reason.
    """
    try:
        said = _STACK.split(str(error), maxsplit=1)[0]
    except Exception:  # an exception that cannot be written
        said = ""
    if _SCRIPT_FAILED in said:
        inside = [line for line in said.splitlines() if _RAISED.match(line)]
        said = said[said.rindex(inside[-1]) :] if inside else said
        said = _RAISED.sub(r"\1", said, count=1)
    said = _OTHER_DEVICE.sub(r"\1", said)
    return " ".join(said.split())[:_LONGEST] or type(error).__name__
