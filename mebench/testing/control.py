"""An attack that repeats whenever its channel does. Where it does not, the channel is to blame, and not the attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import Attack, AttackContext, Learner, Oracle, QueryStrategy, Response
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.testing.faults import CheckFailed
from mebench.testing.target import AttackUnderTest

ROWS = 15


class _Noise(QueryStrategy):
    """Asks noise, and for its explanations where there are any."""

    def __init__(self, context: AttackContext) -> None:
        self._stream = context.random.torch("control")

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        rows = min(ROWS, oracle.remaining)
        queries = torch.rand(rows, *oracle.spec.shape, generator=self._stream)
        if "explanation" in oracle.channel.gives and rows > 1:
            answer = oracle.query(queries[: rows // 2], purpose="explore", explain=True)
            assert answer.explanation is not None
            _write(clone, answer.explanation.vjp(torch.ones(len(answer), oracle.spec.num_classes)))
        return queries[: oracle.remaining]

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


class _Record(Learner):
    """Writes what is answered into the clone's weights."""

    def __init__(self, context: AttackContext) -> None:
        self.clone = context.clone

    def learn(self, queries: Tensor, response: Response) -> None:
        for answer in (response.labels, response.probabilities, response.logits):
            if answer is not None:
                _write(self.clone, answer)

    def state_dict(self) -> dict[str, Any]:
        return {"clone": self.clone.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.clone.load_state_dict(state["clone"])


def _write(clone: nn.Module, values: Tensor) -> None:
    weights = max(clone.parameters(), key=torch.Tensor.numel).detach().view(-1)
    flat = values.detach().flatten()[: len(weights)]
    weights.mul_(0.9)
    weights[: len(flat)] += flat


def build(context: AttackContext) -> Attack:
    """Build the attack."""
    return Attack(_Noise(context), _Record(context))


ENTRY = AttackEntry("control", "Asks noise and writes down the answers.", f"{__name__}:build", needs=frozenset())


def is_to_blame(channel: ChannelEntry, check: Callable[[AttackUnderTest], str | None]) -> bool:
    """Whether a check fails, or warns of, the control on a channel too."""
    try:
        return bool(check(AttackUnderTest(ENTRY, channels=(channel,))))
    except CheckFailed:
        return True
