"""From a benchmark file to a `Benchmark`, or to all that is wrong with the file at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.plan.file.checker import Checker, mapping
from mebench.plan.file.checks import check_metrics, check_prices, check_requirements
from mebench.plan.file.media_checks import check_media
from mebench.plan.file.overrides import apply_overrides
from mebench.plan.file.positions import Document, Problem, given_document, read_document
from mebench.plan.file.reported_checks import check_reported
from mebench.plan.file.run_checks import check_profiles
from mebench.plan.file.schema import Benchmark
from mebench.plan.file.shipped import benchmark_file
from mebench.plan.file.victim_checks import check_victims
from mebench.plan.file.wording import schema_problems, written
from mebench.registry.catalogue import catalogue
from mebench.registry.registry import Registry


def load_benchmark(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    profile: str | None = None,
    registry: Registry | None = None,
) -> Benchmark:
    """Read and check a benchmark file.

    Args:
        source: the file, or the name of one that comes with mebench (see `mebench.plan.file.shipped`), or what a file
            would hold.
        overrides: ``KEY=VALUE`` each; see `mebench.plan.file.overrides`.
        profile: the one that overrides are meant for; the file's default without it.
        registry: what can be named; that of the installed plugins without it.

    Raises:
        ConfigurationError: one line per problem, as ``file:line:column: path: problem``.
    """
    document = given_document(source) if isinstance(source, Mapping) else read_document(benchmark_file(source))
    document.content = {key: value for key, value in document.content.items() if not key.startswith("x-")}
    lines = []
    if overrides:
        chosen = _profile_for_overrides(document, profile)
        lines = apply_overrides(document, overrides, chosen, registry or catalogue().registry)
    lines += _lines(document, _problems(document, registry))
    if lines:
        raise ConfigurationError(*dict.fromkeys(lines))
    benchmark = Benchmark.model_validate(document.content)
    benchmark._file = Path(document.file)
    return benchmark


def select_profile(benchmark: Benchmark, name: str | None) -> str:
    """The name of the profile to run.

    Raises:
        ConfigurationError: the file has no such profile.
    """
    chosen = benchmark.first_profile if name is None else name
    if chosen not in benchmark.profiles:
        raise ConfigurationError(_no_profile(str(benchmark.file), chosen, list(benchmark.profiles)))
    return chosen


def _profile_for_overrides(document: Document, profile: str | None) -> str:
    profiles = list(mapping(document.content.get("profiles")))
    default = document.content.get("default_profile")
    if profile is not None and profile not in profiles:
        raise ConfigurationError(_no_profile(document.file, profile, profiles))
    return str(profile or default or next(iter(profiles), ""))


def _no_profile(file: str, profile: str, known: Sequence[str]) -> str:
    return f"{file}: no profile {profile!r}{did_you_mean(profile, known)}"


def _problems(document: Document, registry: Registry | None) -> list[Problem]:
    """All problems, in the order of the file."""
    checker = Checker(document.content, registry or catalogue().registry, "" if registry else catalogue().absent())
    check_requirements(checker)
    check_metrics(checker)
    check_victims(checker)
    check_media(checker)
    check_reported(checker, check_profiles(checker))
    check_prices(checker)
    unread = [problem.location for problem in document.problems if not problem.at_key]
    found = [
        problem
        for problem in (*schema_problems(document.content), *checker.problems)
        if not any(problem.location[: len(location)] == location for location in unread)
    ]
    return sorted([*document.problems, *found], key=lambda problem: _order(document, problem))


def _order(document: Document, problem: Problem) -> tuple[int, int]:
    mark = problem.mark or document.mark(problem.location, problem.at_key)
    return mark.line, mark.column


def _lines(document: Document, problems: Sequence[Problem]) -> list[str]:
    """One line for each problem.

    An anchor or an option can bring the same problem to many places: it is told once, with the number of the others.
    """
    same: dict[tuple[object, ...], list[Problem]] = {}
    for problem in problems:
        key = (_place(document, problem), problem.location[-1:], problem.text)
        same.setdefault(key, []).append(problem)
    return [_line(document, group[0], len({problem.location for problem in group}) - 1) for group in same.values()]


def _line(document: Document, problem: Problem, others: int) -> str:
    where = f"{written(problem.location)}: " if problem.location else ""
    line = f"{_place(document, problem)}: {where}{problem.text}"
    return f"{line} (and {others} more from there)" if others else line


def _place(document: Document, problem: Problem) -> str:
    mark = problem.mark
    return f"{document.file}:{mark.line}:{mark.column}" if mark else document.place(problem.location, problem.at_key)
