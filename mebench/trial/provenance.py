"""Where a result comes from: versions, source revision, machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from mebench.api.spec import TrialSpec

PACKAGES = ("mebench", "torch", "torchvision", "numpy")


def provenance(device: torch.device, spec: TrialSpec, plugin: str) -> dict[str, Any]:
    """What a result may depend on, equal for equal runs on one machine.

    Args:
        device: where the trial ran.
        spec: of the trial; its precision is part of the record.
        plugin: distribution and version that the attack comes from.
    """
    return {
        "plugin": plugin,
        "versions": dict(versions()),
        "python": platform.python_version(),
        "git": git_revision(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "precision": {"dtype": "float32", "tf32": spec.tf32, "autocast": "bfloat16" if spec.bf16 else False},
        **({"compiled": True} if spec.compile else {}),
    }


def environment(device: torch.device) -> dict[str, Any]:
    """What a result must not depend on: time, machine, process."""
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "device": str(device),
        "executable": Path(sys.executable).name,
        "malloc": {key: value for key, value in os.environ.items() if key.startswith("MALLOC_")},
    }


@cache
def versions() -> dict[str, str]:
    """Of what a result depends on; looked for once per process, since to read them takes a tenth of a short trial."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


@cache
def git_revision() -> str | None:
    """The revision of the checkout that mebench runs from, with ``-dirty`` if changed; None if installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
