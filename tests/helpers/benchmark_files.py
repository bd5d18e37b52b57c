"""A benchmark of a few seconds, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SMALL = {"batch_size": 16, "generator_width": 4, "noise_dim": 8}
NOISE = {"attack": "noise", "channel": "probability", "parameters": {"batch_size": 16}}
DFME = {"attack": "dfme", "channel": "probability", "parameters": SMALL}
MEGEX = {"attack": "megex", "channel": "vg", "parameters": SMALL}
VICTIM = {
    "data": {"name": "fashion-mnist-10k", "rows": [0, 600]},
    "image_size": [8, 8],
    "network": "mlp",
    "training": {"epochs": 4, "batch_size": 32, "learning_rate": 0.003},
}


def write_benchmark(
    folder: Path, *attacks: dict[str, Any], budget: int = 700, victims: dict[str, Any] | None = None, **profile: Any
) -> Path:
    """Write a benchmark of one profile, ``quick``, and return its path."""
    victims = victims or {"tiny": VICTIM}
    run = {"victims": list(victims), "clone": "mlp", "budgets": [budget], "attacks": list(attacks) or [NOISE]}
    settings = {"scale": "reduced", "evaluations": 5, "references": ["victim"], **profile, "runs": [run]}
    path = folder / "benchmark.yaml"
    path.write_text(yaml.safe_dump({"name": "little", "victims": victims, "profiles": {"quick": settings}}))
    return path
