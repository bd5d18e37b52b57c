"""The errors that mebench shows to its users."""

from __future__ import annotations

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


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
