"""The generator of MEGEX without its learner: where is an explanation best spent, in the generator or in the clone?"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mebench import AttackContext, ConfigurationError, Oracle, Response
from mebench.toolkit import ExtractionLoss, FrozenGeneratorStrategy, extraction_loss
from mebench_megex import ExplainedGeneratorParameters
from mebench_megex.attack import ExplanationStrategy


def strategy(context: AttackContext, parameters: ExplainedGeneratorParameters) -> ExplanationStrategy:
    """Build the strategy alone, for any learner."""
    kind = SharingStrategy if parameters.answers == "training" else ExplanationStrategy
    return kind(context, extraction_loss(context, parameters), parameters)


class SharingStrategy(ExplanationStrategy):
    """Generator steps from the explanations of training queries, which cost no query of their own.

    After each N_C-th batch the generator takes one step on that batch: it is made anew from the same noise by the same
    weights, and what was answered is what the gradient is contracted from.

    Args:
        context, loss, parameters: of `ExplanationStrategy`.

    Raises:
        ConfigurationError: more than one step is asked for, of which the second would be on other images.
    """

    step_cost = 0

    def __init__(self, context: AttackContext, loss: ExtractionLoss, parameters: ExplainedGeneratorParameters) -> None:
        if parameters.generator_steps != 1:
            raise ConfigurationError("megex: answers: training serves one step a batch: leave generator_steps at 1")
        super().__init__(context, loss, parameters)
        self._batch_noise = torch.empty(0)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return a generated batch."""
        self._batch_noise = super().draw_noise()
        return FrozenGeneratorStrategy.propose(self, oracle, clone)

    def draw_noise(self) -> Tensor:
        """The noise of the batch that is proposed."""
        return self._batch_noise

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Take a step on the answers to a whole batch."""
        if response.explanation is None:
            raise ConfigurationError("megex: answers: training is for learners that want explanations")
        self._turn += 1
        if self._turn % self._clone_steps == 0 and len(queries) == self._batch_size:
            self.generator_step(cast(Oracle, Answered(response)), clone)


class Answered:
    """Stands where an oracle would be asked, and gives the answers that there are.

    Args:
        response: to the only queries that it is asked of.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self.progress = response.progress

    def query(self, inputs: Tensor, *, purpose: str = "train", explain: bool = False) -> Response:
        """Return the answers to (B, \\*shape) inputs, which are charged already."""
        return self._response
