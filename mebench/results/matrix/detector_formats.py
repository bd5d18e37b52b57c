"""What detectors saw as tables, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from mebench.results.documents import Table, json_text, markdown_table
from mebench.results.matrix.detectors import Attacked, Honest, Noticed, Watch, short_attacks, short_names
from mebench.results.written import NOTHING

NOTES = (
    "Attacks: of how many trials the detector was alarmed, after how many queries in the median, and in brackets the "
    "mean fidelity in percent that the clone had reached by then, where it was evaluated before.",
    "Honest clients: of how many streams it was alarmed, and below which share that is with 95 % confidence. Streams "
    "are of the test set, before each victim the same: the limit is of so many streams as there are different ones.",
    "Clients needed: over how few of the tried numbers of clients the attack must be spread for the detector to miss "
    "at least half of the trials; 1 where it does so anyway.",
)


def tables(watch: Watch) -> list[Table]:
    """Attacks, honest clients where they were counted, and clients needed where several numbers were tried."""
    names, short, attack = [*watch.detectors], short_names(watch.detectors), short_attacks(watch.noticed)
    budgets = {one.budget for one in watch.noticed}
    each = f", of {min(budgets):,} queries each" if len(budgets) == 1 else ""
    attacks = [[attack[one], *(noticed(found.get(name)) for name in names)] for one, found in watch.noticed.items()]
    made: list[Table] = [(f"attacks that detectors noticed{each}", ["Attack", *short.values()], attacks)]
    kinds = list(dict.fromkeys(kind for told in watch.honest.values() for kind in told))
    if kinds:
        lines = [[short[name], *(alarmed(watch.honest.get(name, {}).get(kind)) for kind in kinds)] for name in names]
        made.append(("honest clients that they took for attackers", ["Detector", *kinds], lines))
    spread = [one for one in watch.noticed if one.clients == watch.tried(one)[0] and len(watch.tried(one)) > 1]
    if spread:
        lines = [[attack[one], *(needed(watch, one, name) for name in names)] for one in spread]
        made.append(("clients needed", ["Attack", *short.values()], lines))
    return made


def noticed(found: Noticed | None) -> str:
    """One cell of the attacks."""
    if found is None:
        return NOTHING
    median = "" if found.median is None else f" at {found.median:,}"
    fidelity = "" if found.fidelity is None else f" ({100 * found.fidelity:.1f})"
    return f"{found.count}/{found.trials}{median}{fidelity}"


def alarmed(found: Honest | None) -> str:
    """One cell of honest clients."""
    return NOTHING if found is None else f"{found.alarms}/{found.streams} (≤ {100 * found.limit:.0f} %)"


def needed(watch: Watch, one: Attacked, detector: str) -> str:
    """One cell of clients needed."""
    found = watch.sybils(one, detector)
    return f"> {watch.tried(one)[-1]}" if found is None else str(found)


def as_markdown(watch: Watch) -> str:
    """A heading and a table for each, and the notes."""
    parts = []
    for caption, titles, lines in tables(watch):
        parts.append(f"### {caption.capitalize()}\n\n{markdown_table(titles, lines)}\n")
    return "\n".join([*parts, *(f"\n{note}" for note in NOTES)]) + "\n"


def as_csv(watch: Watch) -> str:
    """A line for each attack and detector, and for each kind of honest client and detector."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    place = ["attack", "service", "pool", "budget", "clients"]
    told = ["trials", "alarms", "share", "low", "high", "median_query", "fidelity_at_alarm"]
    writer.writerow(["of", "detector", *place, "kind", *told, "per_1000_queries", "distinct"])
    for one, by_detector in watch.noticed.items():
        for name, found in by_detector.items():
            where = [one.attack, one.service, one.pool, one.budget, one.clients, ""]
            plain = _attack(found)
            writer.writerow(["attack", name, *where, *(plain[key] for key in told), "", ""])
    for name, kinds in watch.honest.items():
        for kind, streams in kinds.items():
            plain = _honest(streams)
            values = [plain["streams"], plain["alarms"], plain["share"], "", plain["limit"], "", ""]
            of_all = plain["per_1000_queries"], plain["distinct"]
            writer.writerow(["honest", name, *[""] * len(place), kind, *values, *of_all])
    return out.getvalue()


def as_json(watch: Watch) -> str:
    """All of it."""
    attacks = [
        {**vars(one), "detectors": {name: _attack(found) for name, found in by_detector.items()}}
        | {"clients_needed": {name: watch.sybils(one, name) for name in by_detector}, "tried": watch.tried(one)}
        for one, by_detector in watch.noticed.items()
    ]
    honest = {name: {kind: _honest(streams) for kind, streams in kinds.items()} for name, kinds in watch.honest.items()}
    return json_text({"format": 1, "attacks": attacks, "honest": honest})


def _attack(found: Noticed) -> dict[str, Any]:
    limits = found.interval
    return {
        "trials": found.trials,
        "alarms": found.count,
        "share": found.count / found.trials,
        "low": limits.low,
        "high": limits.high,
        "median_query": found.median,
        "fidelity_at_alarm": found.fidelity,
    }


def _honest(found: Honest) -> dict[str, Any]:
    return {
        "streams": found.streams,
        "distinct": found.distinct,
        "alarms": found.alarms,
        "share": found.alarms / found.streams,
        "limit": found.limit,
        "per_1000_queries": found.per_thousand,
    }


DETECTOR_FORMATS: dict[str, Callable[[Watch], str]] = {"md": as_markdown, "csv": as_csv, "json": as_json}
"""How what detectors saw is written, besides as text on a screen."""
