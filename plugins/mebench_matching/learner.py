"""A learner that fits answers and explanations: a Sobolev loss."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from mebench import Attack, AttackContext, Response
from mebench.toolkit import ExplainedFitLearner, RandomPoolStrategy
from mebench_matching import GradientMatchingParameters, MatchingParameters
from mebench_matching.contraction import matching


def build(context: AttackContext, parameters: GradientMatchingParameters) -> Attack:
    """Build the attack; see ``mebench info gradient-matching``."""
    return Attack(RandomPoolStrategy(context, parameters.rounds), MatchingLearner(context, parameters))


class MatchingLearner(ExplainedFitLearner):
    """Descend cross-entropy to the answers plus mu times the distance of the clone's gradients to the victim's.

    Of each answer, R random contractions of its explanation are kept (`mebench_matching.contraction`). The distance is
    their mean square, divided by the victim's.

    Args:
        context: gives clone and channel, and the random streams ``learner``, ``signs`` and ``clone-points``.
        parameters: of the fit and of the matching.

    Raises:
        ConfigurationError: nobody has said how explanations of the channel are made of a network.
    """

    def __init__(self, context: AttackContext, parameters: MatchingParameters) -> None:
        super().__init__(context, parameters, parameters.gradient_weight > 0)
        self.matching = matching(context, parameters)

    def kept_of(self, response: Response) -> Sequence[Tensor]:
        """The victim's contractions and their coefficients."""
        return self.matching.of_victim(response)

    def explained_loss(self, queries: Tensor, targets: Tensor, kept: Sequence[Tensor], done: float) -> Tensor:
        """Return cross-entropy plus the weighted distance of gradients, a scalar."""
        value = functional.cross_entropy(self.clone(queries), targets)
        distance = self.matching.distance(self.clone, queries, *kept) / self.scale
        return value + self.matching.weight(done) * distance
