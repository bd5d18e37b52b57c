"""Results folders as a run would leave them, with made-up numbers; no torch needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mebench.api.files import json_bytes
from mebench.api.spec import Component, TrialSpec, VictimSpec
from mebench.results.trial_folder import TrialFolder

VICTIM_ACCURACY = 0.86
BUDGET = 50_000


def put(path: Path, value: Any) -> None:
    """Write what `mebench.api.files.write_json` would, without waiting for the disk: made-up results can be lost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_bytes(value))


def make_spec(attack: str = "megex", variant: str = "l1", seed: int = 0, **changes: Any) -> TrialSpec:
    values: dict[str, Any] = {
        "victim": VictimSpec("fmnist-lenet5", Component("fashion-mnist")),
        "channel": Component("probability", {"top_k": None, "decimals": None}),
        "attack": Component(attack, {"loss": variant}),
        "variant": variant,
        "clone": Component("lenet5"),
        "budget": BUDGET,
        "seed": seed,
    }
    return TrialSpec(**(values | changes))


def fidelity_of(accuracy: float, victim: float = VICTIM_ACCURACY) -> float:
    """A fidelity that an accuracy allows."""
    return min(1 - abs(accuracy - victim), accuracy + 0.03)


def make_curve(accuracy: float, budget: int = BUDGET, points: int = 20) -> list[dict[str, Any]]:
    """A curve that rises to ``accuracy`` as the square root of the queries."""
    curve = []
    for step in range(1, points + 1):
        value = 0.1 + (accuracy - 0.1) * (step / points) ** 0.5
        curve.append({"queries": budget * step // points, "accuracy": value, "fidelity": fidelity_of(value)})
    return curve


def make_trial(
    root: Path,
    spec: TrialSpec,
    accuracy: float,
    *,
    weights: str = "aaaa1111",
    victim_accuracy: float = VICTIM_ACCURACY,
    curve: Sequence[dict[str, Any]] | None = None,
    flags: Sequence[str] = (),
    spent: int | None = None,
    test_inputs: int | None = None,
) -> TrialFolder:
    """Write a finished trial; ``test_inputs``, if given, is what each evaluation looked at."""
    folder = TrialFolder.of(root, spec)
    folder.begin(spec)
    attack = spec.kind == "attack"
    points = list(make_curve(accuracy, spec.budget) if curve is None else curve) if attack else []
    points = points if test_inputs is None else [{**point, "test_inputs": test_inputs} for point in points]
    (folder.path / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
    last = points[-1] if points else {"accuracy": accuracy, "fidelity": fidelity_of(accuracy, victim_accuracy)}
    queries = (points[-1]["queries"] if points else 0) if spent is None else spent
    put(folder.path / "timing.json", {"seconds": 50.0, "queries_per_second": queries / 50})
    best = max(points or [last | {"queries": queries}], key=lambda point: point["accuracy"])
    put(  # without a seal, as before there were any: tests change what it says
        folder.path / "result.json",
        {
            "format": 1,
            "id": spec.id,
            "spec": spec.to_json(),
            "status": "finished",
            "metrics": {key: last[key] for key in ("accuracy", "fidelity")},
            "best_on_test": {key: best[key] for key in ("accuracy", "queries")} if attack else None,
            "ledger": {
                "budget": spec.budget,
                "spent": queries,
                "by_purpose": {"train": queries, "explore": 0} if attack else {},
                "explanations": 0,
                "explained_classes": 0,
                "refusals": 0,
            },
            "victim": {
                "name": spec.victim.name,
                "weights_hash": weights,
                "accuracy": victim_accuracy,
                "data_hash": "dddd2222",
            },
            "clone": {"weights_hash": "cccc", "parameters": 61706},
            "flags": list(flags),
            "provenance": {},
        },
    )
    return folder


def make_row(
    root: Path, accuracies: Sequence[float], attack: str = "megex", variant: str = "l1", **changes: Any
) -> None:
    """Write one finished trial per accuracy, with seeds 0, 1, ..."""
    own = {key: changes.pop(key) for key in ("weights", "flags", "victim_accuracy", "test_inputs") if key in changes}
    for seed, accuracy in enumerate(accuracies):
        make_trial(root, make_spec(attack, variant, seed, **changes), accuracy, **own)


def make_supervised(root: Path, accuracies: Sequence[float], **changes: Any) -> None:
    make_row(
        root, accuracies, "supervised", "default", kind="supervised", budget=0, channel=Component("none"), **changes
    )


def write_benchmark(root: Path, **changes: Any) -> None:
    values: dict[str, Any] = {
        "format": 1,
        "name": "table1",
        "title": "MEGEX, Table 1",
        "paper": {"title": "MEGEX", "id": "arXiv:2107.08909", "table": 1},
        "profile": "quick",
        "scale": "reduced",
        "note": "The quick profile is not the paper's scale: a small victim, 50,000 queries, two or three seeds.",
        "references": ["victim", "supervised"],
        "reported": [
            {"attack": "megex", "variant": "l1", "victim": "cifar10-resnet34", "budget": 20_000_000, "accuracy": 92.3},
            {"attack": "dfme", "variant": "l1", "victim": "cifar10-resnet34", "budget": 20_000_000, "accuracy": 80.6},
        ],
    }
    put(root / "benchmark.json", values | changes)


VG = Component("vg", {"score": "probability", "classes": "all"})


def make_table1(root: Path) -> Path:
    """The quick profile of MEGEX's Table 1, as a run would leave it."""
    write_benchmark(root)
    make_row(root, [0.712, 0.735, 0.698], channel=VG)
    make_row(root, [0.655, 0.601, 0.642], variant="kl", channel=VG)
    make_row(root, [0.488, 0.513, 0.452], "dfme")
    make_row(root, [0.471, 0.390, 0.433], "dfme", "kl")
    make_row(root, [0.391, 0.372, 0.402], "random-generator")
    make_row(root, [0.233, 0.198, 0.251], "noise", "default")
    make_supervised(root, [0.851, 0.848, 0.855])
    return root
