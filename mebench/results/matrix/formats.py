"""The matrix as text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mebench.results.documents import Table, json_text, markdown_escape, markdown_table
from mebench.results.matrix.compute import NAIVE, Column, Estimate, Line, Matrix, estimate
from mebench.results.written import NOTHING

SUMMARY = ("Worst case", "Gain", "Adaptive gap", "Above labels", "Strongest attacker")
COSTS = {"protected_accuracy": "Protected", "flips": "Flips", "benign_l1": "Benign L1", "attack_l1": "Attack L1"}
SHARES = frozenset({"protected_accuracy", "flips"})
NOTES = (
    "Fidelity in percent, means over victims (over seeds, where there is one victim) with 95 % intervals.",
    "Worst case: the best attacker, chosen on the other victims or seeds. Gain: against the same channel without "
    "defences. Adaptive gap: what recoveries add to the best naive attacker. Above labels: against the best attacker "
    "of the channel that tells labels alone. Differences are paired by victim and seed.",
)


ALONE = "One victim and one seed: the worst case is chosen on what it is read from, and looks worse than it is."


def notes(found: Sequence[Matrix]) -> tuple[str, ...]:
    """How to read matrices, and what theirs cannot say."""
    alone = any(len(line.units) == 1 for matrix in found for line in matrix.lines)
    volumes = any(matrix.volumes for matrix in found)
    return (*NOTES, *([VOLUME_NOTE] if volumes else []), *([ALONE] if alone else []))


def points(one: Estimate | None, *, signed: bool = False) -> str:
    """A fraction in percent with its interval."""
    if one is None:
        return NOTHING
    half = "" if one.half is None else f" ± {100 * one.half:.1f}"
    return f"{100 * one.mean:{'+' if signed else ''}.1f}{half}"


def titles(matrix: Matrix) -> list[str]:
    """The heads of all columns."""
    return ["Answers", *column_names(matrix).values(), *SUMMARY, *COSTS.values()]


def column_names(matrix: Matrix) -> dict[Column, str]:
    """The attackers by name; by their recovery alone where all have one attack."""
    if len({column.attack for column in matrix.columns}) > 1:
        return {column: column.name for column in matrix.columns}
    return {column: "naive" if column.recovery == NAIVE else column.recovery for column in matrix.columns}


def cells(matrix: Matrix, line: Line) -> list[str]:
    """One line of the table."""
    told = [_cell(line, column) for column in matrix.columns]
    strongest = line.strongest()
    differences = (matrix.gain(line), matrix.adaptive_gap(line), matrix.above_labels(line))
    return [
        line.name,
        *told,
        points(estimate(line.worst_case)),
        *(points(one, signed=True) for one in differences),
        column_names(matrix)[strongest] if strongest else NOTHING,
        *(_cost(line, key) for key in COSTS),
    ]


VOLUMES = ("Defence", "Points", "Hypervolume")
VOLUME_NOTE = (
    "Hypervolume: the area between (mean L1 of honest answers, worst case as a fraction) of a defence's operating "
    "points and (2, the worst case without defences): larger is better, 0 where the best attacker loses nothing."
)


def volume_lines(matrix: Matrix) -> list[list[str]]:
    """The hypervolume of each defence, and of all together, a line each; with the channel where there are several."""
    several = len({one.service for one in matrix.volumes}) > 1
    return [
        [f"{one.service}, {one.defence}" if several else one.defence, str(one.points), f"{one.value:.3f}"]
        for one in matrix.volumes
    ]


def tables(matrix: Matrix) -> Iterator[Table]:
    """The matrix, and the hypervolumes of its defences, if there are any."""
    yield matrix.context, titles(matrix), [cells(matrix, line) for line in matrix.lines]
    if volumes := volume_lines(matrix):
        yield "hypervolumes", list(VOLUMES), volumes


def _cell(line: Line, column: Column) -> str:
    values = line.cells.get(column)
    text = points(estimate({unit: values[unit] for unit in line.units})) if values else NOTHING
    return f"({text})" if column in line.white_box else text


def _cost(line: Line, key: str) -> str:
    value = line.costs.get(key)
    if value is None:
        return NOTHING
    return f"{100 * value:.1f}" if key in SHARES else f"{value:.3f}"


def as_markdown(found: Sequence[Matrix]) -> str:
    """A heading, a table and the notes of each."""
    parts = []
    for matrix in found:
        body = [[markdown_escape(cell) for cell in cells(matrix, line)] for line in matrix.lines]
        parts.append(f"### {markdown_escape(matrix.context)}\n\n{markdown_table(titles(matrix), body)}")
        if volumes := volume_lines(matrix):
            parts.append("\n" + markdown_table(VOLUMES, volumes))
    return "\n".join([*parts, *(f"\n{note}" for note in notes(found))]) + "\n"


def as_csv(found: Sequence[Matrix]) -> str:
    """A line for each cell, with its place and its interval as fractions."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["context", "service", "defence", "attack", "recovery", "white_box", "fidelity", "ci", "values"])
    for matrix in found:
        for line in matrix.lines:
            for column, values in line.cells.items():
                one = estimate({unit: values[unit] for unit in line.units})
                if one is not None:
                    place = [matrix.context, line.service, line.defence, column.attack, column.recovery]
                    writer.writerow([*place, column in line.white_box, one.mean, one.half, one.values])
    return out.getvalue()


def as_json(found: Sequence[Matrix]) -> str:
    """All of it, fractions as such."""
    return json_text({"format": 1, "matrices": [_plain(matrix) for matrix in found]})


def _plain(matrix: Matrix) -> dict[str, Any]:
    return {
        "context": matrix.context,
        "lines": [
            {
                "service": line.service,
                "defence": line.defence,
                "cells": [
                    {
                        "attack": column.attack,
                        "recovery": column.recovery,
                        "white_box": column in line.white_box,
                        METRIC_KEY: _estimate(estimate({unit: values[unit] for unit in line.units})),
                    }
                    for column, values in line.cells.items()
                ],
                "worst_case": _estimate(estimate(line.worst_case)),
                "naive": _estimate(estimate(line.naive)),
                "gain": _estimate(matrix.gain(line)),
                "adaptive_gap": _estimate(matrix.adaptive_gap(line)),
                "above_labels": _estimate(matrix.above_labels(line)),
                "costs": dict(line.costs),
            }
            for line in matrix.lines
        ],
        "hypervolumes": [vars(one) for one in matrix.volumes],
        "incomplete": list(matrix.incomplete),
    }


METRIC_KEY = "fidelity"


def _estimate(one: Estimate | None) -> dict[str, Any] | None:
    return None if one is None else {"mean": one.mean, "ci": one.half, "values": one.values}


FORMATS: dict[str, Callable[[Sequence[Matrix]], str]] = {"md": as_markdown, "csv": as_csv, "json": as_json}
"""How a matrix is written, besides as text on a screen."""
