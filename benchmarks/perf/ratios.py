"""Ratios between the cases of a group, from the JSON of pytest-benchmark: a table for people, floors for CI.

    python -m pytest benchmarks/perf --benchmark-json perf.json
    python benchmarks/perf/ratios.py perf.json -o build/performance-table.md
    python benchmarks/perf/ratios.py perf.json --check

Times differ between machines and hours; ratios of cases that ran beside each other hardly do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

PLAIN = "plain"
FLOORS = {
    "iteration, LeNet-5, paper's generator, B=64": {"dfme": 1.25},
    "generator, forward, B=64": {"folded": 1.4},
    "generator, forward and backward, B=64": {"folded": 1.25},
    "explanation vg, 10 classes, B=64": {"vjp": 3.5},
    "explanation vg, 100 classes, B=64": {"vjp": 30.0},
    "PGD, 10 steps, LeNet-5 28 x 28, 100 inputs": {"batched": 2.5},
    "answers of LeNet-5, 10 x B=64": {"through the oracle": 0.7},
    "k-center, 100000 points of 10, 500 picks": {"lazy blocks": 2.5},
    "DeepFool, LeNet-5, 300 images": {"batched": 3.0},
}
"""The least that a lever must bring, as plain time / its time: far below what was measured, so that noise passes."""


@dataclass(frozen=True)
class Case:
    """One timed case.

    Attributes:
        group: what is compared.
        role: ``plain``, or the name of another way to do the same.
        seconds: its fastest round; the others hold the machine's noise.
        extra: what else was measured.
    """

    group: str
    role: str
    seconds: float
    extra: dict[str, Any]


@dataclass(frozen=True)
class Compared:
    """A case beside the plain one of its group.

    Attributes:
        ratio: plain time / its time; None for the plain case itself and where there is none.
    """

    case: Case
    ratio: float | None


def read(path: Path) -> tuple[list[Case], dict[str, Any]]:
    """Return the cases of a file of pytest-benchmark, and what it says of the machine."""
    plain = json.loads(path.read_text())
    cases = [
        Case(one["group"], one["extra_info"].get("role", one["name"]), one["stats"]["min"], one["extra_info"])
        for one in plain["benchmarks"]
    ]
    machine = plain["machine_info"]
    about = {
        "cpu": machine["cpu"].get("brand_raw", machine["processor"]),
        "cores": machine["cpu"].get("count"),
        "python": machine["python_version"],
        "date": plain["datetime"][:10],
        **plain.get("calibration", {}),
    }
    return cases, about


def compared(cases: list[Case]) -> Iterator[Compared]:
    """Put every case beside the plain one of its group, group by group."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    for members in groups.values():
        plain = next((case for case in members if case.role == PLAIN), None)
        for case in members:
            known = plain is not None and case is not plain
            yield Compared(case, plain.seconds / case.seconds if known and plain else None)


def lost(cases: list[Case]) -> list[str]:
    """One line for every ratio that is below its floor."""
    return [
        f"{one.case.group}: {one.case.role} is {one.ratio:.2f} times as fast as plain, at least {floor} is expected"
        for one in compared(cases)
        if one.ratio is not None and one.ratio < (floor := FLOORS.get(one.case.group, {}).get(one.case.role, 0.0))
    ]


def as_markdown(cases: list[Case], about: dict[str, Any]) -> str:
    """A table of all cases with the machine that they ran on."""
    lines = [
        f"Measured on {about['date']}: {about['cpu']}, {about['cores']} cores, Python {about['python']}, torch "
        f"{about.get('torch', '?')}; a float32 matrix product of side {about.get('side', '?')} ran at "
        f"{about.get('gflops', '?')} GFLOP/s on one thread.",
        "",
        "| what | how | time | times as fast as plain | besides |",
        "|---|---|---:|---:|---|",
    ]
    before = ""
    for one in compared(cases):
        case = one.case
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        group = "" if case.group == before else case.group
        lines.append(f"| {group} | {case.role} | {_time(case.seconds)} | {ratio} | {_besides(case)} |")
        before = case.group
    return "\n".join(lines) + "\n"


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _besides(case: Case) -> str:
    peak, processor = case.extra.get("peak_bytes"), case.extra.get("cpu_seconds")
    words = [f"peak memory + {peak / 1e6:.0f} MB"] if peak is not None else []
    words += [f"processor {processor:.2f} s"] if processor is not None else []
    return ", ".join(words)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the table there.")
@click.option("--check", is_flag=True, help="Exit with 1 if a ratio is below its floor.")
def main(file: Path, output: Path | None, check: bool) -> None:
    """Print the ratios of FILE, written by pytest-benchmark."""
    cases, about = read(file)
    text = as_markdown(cases, about)
    if output is not None:
        output.write_text(text)
    else:
        click.echo(text, nl=False)
    if check and (below := lost(cases)):
        raise SystemExit("\n".join(below))


if __name__ == "__main__":
    main()
