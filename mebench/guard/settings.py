"""The settings of a process that code of others can change for everybody: one table, for trials and for the kit.

`mebench.guard.process_state` compares those that are read fast at every call into a plugin,
`mebench.guard.surroundings` the others at evaluations and where a job ends; both put back what has changed. The
conformance kit compares all of them, before and after a run.
"""

from __future__ import annotations

from mebench.guard.python_settings import PYTHON
from mebench.guard.setting import Setting
from mebench.guard.torch_settings import RANDOM_SEED, TORCH

SETTINGS: tuple[Setting, ...] = (*PYTHON, *TORCH)

__all__ = ["RANDOM_SEED", "SETTINGS"]
