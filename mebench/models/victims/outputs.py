"""What a victim may return: finite logits, of one row as of many, and no probabilities that nobody has named."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import ConfigurationError, first_line
from mebench.api.spec import Outputs

SUM_TOLERANCE = 1e-3
"""By how much the probabilities of an input may miss 1."""


def answers(victim: Victim, inputs: Tensor, of: str = "") -> Tensor:
    """Ask a victim; return its logits (B, c).

    Args:
        victim: is asked.
        inputs: (B, \\*shape).
        of: what they are, for errors, e.g. ``of noise``.

    Raises:
        ConfigurationError: it fails, or returns something else, or numbers that are not finite.
    """
    who, rows, classes = f"victim {victim.name!r}", len(inputs), victim.spec.num_classes
    what = f"{rows} input{'s' if rows > 1 else ''}{of and ' ' + of}"
    try:
        with torch.no_grad():
            logits = victim(inputs)
    except Exception as error:
        raise ConfigurationError(
            f"{who} fails on inputs of shape {tuple(inputs.shape)}: {first_line(error)}"
        ) from error
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (rows, classes) or not logits.is_floating_point():
        got = f"{logits.dtype} {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        squeezed = rows == 1 and isinstance(logits, Tensor) and tuple(logits.shape) == (classes,)
        raise ConfigurationError(
            f"{who} must return logits of shape {(rows, classes)} for {what} of {classes} classes, not {got}"
            + (": it loses the batch of a single input (a squeeze() without a dimension?)" if squeezed else "")
        )
    if not bool(torch.isfinite(logits).all()):
        raise ConfigurationError(f"{who} returns logits that are not finite{of and f' for {what}'}")
    return logits


def check_kind(victim: Victim, logits: Tensor, said: Outputs | None) -> None:
    """Check that what a network returned is what its owner says.

    Args:
        victim: as its outputs are used.
        logits: (B, c) that it has returned.
        said: what its owner says that its network returns. Probabilities have been turned into logits then.

    Raises:
        ConfigurationError: what should be probabilities does not sum to 1, or nobody has said that they are.
    """
    who = f"victim {victim.name!r}"
    if said == "probabilities":
        sums = logits.double().exp().sum(1)
        if not bool(((sums - 1).abs() <= SUM_TOLERANCE).all()):
            raise ConfigurationError(
                f"{who}: outputs: probabilities, but those of an input sum to {float(sums[0]):.4g}"
            )
    if said is not None or not bool(((logits >= 0) & (logits <= 1)).all()):
        return
    if bool(((logits.double().sum(1) - 1).abs() <= SUM_TOLERANCE).all()):
        raise ConfigurationError(
            f"{who} returns probabilities, of which channels would take the softmax again: say `outputs: probabilities`"
        )
