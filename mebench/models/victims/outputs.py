"""What a victim may return: finite logits, of one row as of many, and no probabilities that nobody has named."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import ConfigurationError, reason
from mebench.api.outputs import SUM_TOLERANCE, are_probabilities, odd_storage
from mebench.api.plurals import counted
from mebench.api.spec import Outputs

_BATCH = 500


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
    what = f"{counted(rows, 'input')}{of and ' ' + of}"
    try:
        with torch.no_grad():
            logits = victim(inputs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        exits = isinstance(error, SystemExit)
        why = "it calls sys.exit" if exits else f"{reason(error)}{_precision(victim)}{_layout(victim, inputs)}"
        raise ConfigurationError(f"{who} fails on inputs of shape {tuple(inputs.shape)}: {why}") from error
    if problem := odd_storage(logits, inputs.device):
        raise ConfigurationError(
            f"{who} must return plain logits, where its inputs are, for {what}: they are {problem}"
        )
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (rows, classes) or not logits.is_floating_point():
        got = f"{logits.dtype} {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        squeezed = rows == 1 and isinstance(logits, Tensor) and tuple(logits.shape) == (classes,)
        raise ConfigurationError(
            f"{who} must return logits of shape {(rows, classes)} for {what} of {classes} classes, not {got}"
            + (": it loses the batch of a single input (a squeeze() without a dimension?)" if squeezed else "")
            + (": let it return the logits alone" if isinstance(logits, (tuple, list, Mapping)) else "")
        )
    if wrong := int((~torch.isfinite(logits)).any(1).sum()):
        raise ConfigurationError(f"{who} returns logits that are not finite for {wrong} of {what}")
    return logits


def _precision(victim: Victim) -> str:
    """What a victim that fails may fail of: inputs are float32, and its weights may be of another type."""
    types = {value.dtype for value in victim.parameters() if value.is_floating_point()} - {torch.float32}
    if not types or victim.spec.discrete:
        return ""
    names = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in types))
    return f" (its weights are {names}, its inputs float32: cast them in its forward, or its weights with float())"


def _layout(victim: Victim, inputs: Tensor) -> str:
    """What a victim that fails may want: images with their channels last."""
    if inputs.ndim != 4 or victim.spec.discrete:
        return ""
    try:
        with torch.no_grad():
            logits = victim(inputs.permute(0, 2, 3, 1))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return ""
    wanted = tuple(getattr(logits, "shape", ())) == (len(inputs), victim.spec.num_classes)
    return " (it takes images with their channels last: let its forward permute(0, 2, 3, 1) them)" if wanted else ""


def all_answers(victim: Victim, inputs: Tensor) -> Tensor:
    """Ask a victim all (N, \\*shape) inputs, in batches; return its logits (N, c).

    Raises:
        ConfigurationError: as for `answers`.
    """
    return torch.cat([answers(victim, part) for part in inputs.split(_BATCH)])


def kind_of(victim: Victim, logits: Tensor, said: Outputs | None) -> Outputs | None:
    """What a network returns: what its owner says, which must fit, or else what can be seen; None if nothing can.

    Args:
        victim: as its outputs are used.
        logits: (B, c) that it has returned.
        said: what its owner says that its network returns. Probabilities have been turned into logits then.

    Raises:
        ConfigurationError: the outputs are not what their owner says; or they are probabilities, of which the softmax
            would be taken again, and nobody says so.
    """
    who = f"victim {victim.name!r}"
    sums = logits.double().exp().sum(1)
    are_logarithms = bool(((sums - 1).abs() <= SUM_TOLERANCE).all())
    if said in ("probabilities", "log-probabilities") and not are_logarithms:
        worst = float(sums[(sums - 1).abs().argmax()])
        raise ConfigurationError(f"{who}: outputs: {said}, but the probabilities of an input sum to {worst:.4g}")
    if said is not None:
        return said
    if are_logarithms:
        return "log-probabilities"
    if are_probabilities(logits / 100):
        raise ConfigurationError(
            f"{who} returns probabilities in percent, of which channels would take the softmax: divide them by 100 in "
            "its forward, and say `outputs: probabilities` (--outputs on the command line)"
        )
    if bool(((logits < 0) | (logits > 1)).any()):
        return "logits"
    if are_probabilities(logits):
        raise ConfigurationError(
            f"{who} returns probabilities, of which channels would take the softmax again: say "
            "`outputs: probabilities` (--outputs on the command line)"
        )
    return None
