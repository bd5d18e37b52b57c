"""What a victim must not do when it is asked: change itself, the process, or what others draw at random."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import ConfigurationError
from mebench.guard.process_state import ProcessState, threads_started
from mebench.models.victims.outputs import answers


def check_harmless(victim: Victim, rows: Tensor) -> None:
    """Ask a victim a few inputs, and look at what else has changed by it.

    Args:
        victim: on its device.
        rows: (B, \\*shape) on the same device.

    Raises:
        ConfigurationError: it seeds random numbers that all share, changes a setting of the process, changes its own
            tensors, or goes into train mode.
    """
    who = f"victim {victim.name!r}"
    with _drawing_apart():
        watched_answers(victim, rows)
        _check_random_numbers(victim, rows, who)
    before = {name: value.detach().clone() for name, value in _tensors(victim).items()}
    answers(victim, rows)
    if training := [name for name, module in victim.named_modules() if getattr(module, "training", False)]:
        raise ConfigurationError(
            f"{who} goes into train mode whenever it is asked ({_some(training)}): a victim stays in eval mode"
        )
    after = _tensors(victim)
    if changed := [name for name, value in before.items() if not _same(value, after[name])]:
        raise ConfigurationError(
            f"{who} changes its own tensors whenever it is asked ({_some(changed)}), so that its answers depend on who "
            "asked before: keep its batch norms in eval mode, and count elsewhere"
        )


def watched_answers(victim: Victim, rows: Tensor) -> Tensor:
    """Ask a victim, and look at what it changes for all: best the first time, for asked again it may change no more.

    Args:
        victim: on its device.
        rows: (B, \\*shape) on the same device.

    Returns:
        its logits (B, c).

    Raises:
        ConfigurationError: it changes a setting of the process, which is put back; or as for `answers`.
    """
    with leaving_the_process(victim.name), torch.random.fork_rng(devices=[]):
        return answers(victim, rows)


@contextlib.contextmanager
def leaving_the_process(name: str) -> Iterator[None]:
    """Put back what a victim changes in the block that all share; what libraries change too is put back in silence.

    Args:
        name: of the victim.

    Raises:
        ConfigurationError: it changed a setting of the process.
    """
    state, threads = ProcessState(), threads_started()
    try:
        yield
    finally:
        problem = state.check(threads)
    if problem:
        raise ConfigurationError(
            f"victim {name!r}, whenever it is asked, {problem}: let it leave that to those who ask it"
        )


@contextlib.contextmanager
def _drawing_apart() -> Iterator[None]:
    """Put the global random numbers of torch, Python and NumPy back after the block."""
    python, others = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(others)


def _tensors(victim: Victim) -> dict[str, Tensor]:
    """Parameters and buffers, those too that are not saved with a network."""
    return {**dict(victim.named_parameters()), **dict(victim.named_buffers())}


def _same(value: Tensor, other: Tensor) -> bool:
    return value.shape == other.shape and bool(((value == other) | ((value != value) & (other != other))).all())


def _some(names: list[str]) -> str:
    """Names of modules or tensors as the victim's owner knows them, three at most."""
    plain = [name.removeprefix("network.").removeprefix("network.") or "all of it" for name in names]
    return ", ".join(plain[:3]) + (f" and {len(plain) - 3} more" if len(plain) > 3 else "")


def _check_random_numbers(victim: Victim, rows: Tensor, who: str) -> None:
    """Notice who seeds the generators that everybody shares: an attack's own draws would repeat themselves.

    A generator that ends in the same state, wherever it was before, has been seeded.
    """
    ends = [_random_states_after(victim, rows, start) for start in (1, 2)]
    if seeded := [name for name in ends[0] if ends[0][name] == ends[1][name]]:
        raise ConfigurationError(
            f"{who} seeds the global random numbers of {' and '.join(seeded)} whenever it is asked, "
            "and so changes what others draw: let it draw from a generator of its own"
        )


def _random_states_after(victim: Victim, rows: Tensor, start: int) -> dict[str, Any]:
    torch.default_generator.manual_seed(start)
    random.setstate(random.Random(start).getstate())
    np.random.set_state(np.random.RandomState(start).get_state())
    answers(victim, rows)
    return {
        "torch": torch.random.get_rng_state().tolist(),
        "Python": random.getstate(),
        "NumPy": repr(np.random.get_state()[1:]) + np.random.get_state()[1].tobytes().hex(),  # type: ignore[index]
    }
