"""Parameters that attacks share, each declared once. Imports no torch.

An attack inherits what it needs. Where parameters are listed, those of the last base come first::

    @dataclass(frozen=True)
    class DfmeParameters(LearnerParameters, GeneratorParameters, LossParameters):  # loss, generator, learner, own
        directions: Annotated[int, Param("Random directions m per gradient estimate.", minimum=1)] = 1

A paper's own default is the field once more, with its plain type: ``epochs: int = 100``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mebench.registry.parameter import Param
from mebench.toolkit.schedules import Schedule, step_schedule


@dataclass(frozen=True)
class LossParameters:
    """The loss that the clone descends and a generator ascends; see `mebench.toolkit.extraction_loss`."""

    loss: Annotated[
        Literal["l1", "kl"],
        Param("Between victim and clone: `l1` on recovered logits, or `kl`.", in_variant="always"),
    ] = "l1"
    clone_logits: Annotated[
        Literal["centred", "raw"],
        Param(
            "In `l1`: subtract the clone's mean logit (`centred`, MEGEX section 3.3) or not "
            "(`raw`, the released DFME).",
            in_variant="changed",
        ),
    ] = "centred"


@dataclass(frozen=True)
class FrozenGeneratorParameters:
    """A generator that takes no step; see `FrozenGeneratorStrategy`."""

    batch_size: Annotated[int, Param("Queries per batch, B.", minimum=1, maximum=1_000_000)] = 256
    noise_dim: Annotated[int, Param("Length of the generator's noise vector.", minimum=1, maximum=100_000)] = 256
    generator_width: Annotated[
        int, Param("Channels of the generator's first convolution.", minimum=2, maximum=100_000)
    ] = 128


@dataclass(frozen=True)
class SteppedGeneratorParameters(FrozenGeneratorParameters):
    """A generator that takes steps; see `SteppedGeneratorStrategy`. Since version 1.8."""

    generator_steps: Annotated[int, Param("Generator steps per iteration, N_G.", minimum=1, maximum=1_000_000)] = 1
    clone_steps: Annotated[int, Param("Clone steps per iteration, N_C.", minimum=1, maximum=1_000_000)] = 5
    generator_lr: Annotated[float, Param("Learning rate of the generator's Adam.", minimum=0)] = 5e-4
    brightness_lr: Annotated[
        float,
        Param(
            "Learning rate of a scale and a shift per channel, contrast and brightness, at the end of the generator, "
            "which falls as the generator's does. 0: the released program's generator, which has neither.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0.0


@dataclass(frozen=True)
class GeneratorParameters(SteppedGeneratorParameters):
    """A generator that is trained on a loss between victim and clone; see `GeneratorStrategy`."""

    diversity: Annotated[
        float,
        Param(
            "The generator also ascends the entropy of the clone's mean prediction over a batch, by a gradient of this "
            "many times the mean norm of the loss's own. No paper has it.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0.0


@dataclass(frozen=True)
class StepParameters:
    """Steps of a clone, and the course of all learning rates. Since version 1.8."""

    clone_lr: Annotated[float, Param("Learning rate of the clone's optimiser.", minimum=0)] = 0.1
    momentum: Annotated[float, Param("Momentum of the clone's SGD.", minimum=0, maximum=1)] = 0.9
    weight_decay: Annotated[float, Param("Weight decay of the clone's optimiser.", minimum=0)] = 5e-4
    milestones: Annotated[
        tuple[float, ...],
        Param(
            "Fractions of the budget at which all learning rates are multiplied by `lr_factor`.", minimum=0, maximum=1
        ),
    ] = (0.1, 0.3, 0.5)
    lr_factor: Annotated[float, Param("What learning rates are multiplied by at milestones.", minimum=0)] = 0.3
    clone_optimizer: Annotated[Literal["sgd", "adam"], Param("Of the clone.", in_variant="changed", late=True)] = "sgd"

    def schedule(self, rate: float) -> Schedule:
        """From the fraction of the budget that is spent to a learning rate that begins at ``rate``."""
        return step_schedule(rate, self.milestones, self.lr_factor)


@dataclass(frozen=True)
class LearnerParameters(StepParameters):
    """A clone that takes one step per answered batch; see `OnlineLearner`."""

    memory: Annotated[
        int,
        Param(
            "Answers of earlier batches that are kept, a uniform sample of all. A step learns as many of them beside a "
            "batch as it has, drawn so that classes come equally often. 0 keeps none.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0


@dataclass(frozen=True)
class PairParameters(StepParameters, SteppedGeneratorParameters):
    """Two students and a generator that asks where they disagree; see `DisagreementStrategy`. Since version 1.8."""

    clone_steps: int = 1
    generator_lr: float = 1e-4
    clone_lr: float = 0.03
    milestones: tuple[float, ...] = (0.4, 0.8)
    query_mode: Annotated[
        Literal["eval", "train"],
        Param(
            "Batch norm of the generator while it makes queries: its running statistics, or those of the batch.",
            in_variant="changed",
        ),
    ] = "eval"


@dataclass(frozen=True)
class RestartedGeneratorParameters(FrozenGeneratorParameters):
    """A generator that begins anew in every round; see `RestartedGeneratorStrategy`. Since version 1.8."""

    generator_steps: Annotated[
        int, Param("Generator steps per round, which cost no query.", minimum=1, maximum=1_000_000)
    ] = 30
    generator_lr: Annotated[float, Param("Learning rate of the generator's Adam.", minimum=0)] = 1e-3
    views: Annotated[
        Literal["none", "crop", "crop-flip"],
        Param(
            "How images are changed before the clone sees them, in generator steps and in its own: shifts of up to 4 "
            "pixels, and mirrored halves. Digits must not be mirrored.",
            in_variant="changed",
        ),
    ] = "crop"


@dataclass(frozen=True)
class ContinuedFitParameters:
    """A clone that goes on from fit to fit; see `ContinuedFitLearner`. Since version 1.8."""

    epochs: Annotated[int, Param("Passes over all answers per round.", minimum=1, maximum=1_000_000)] = 1
    clone_batch_size: Annotated[int, Param("Answers per step of the clone.", minimum=1, maximum=1_000_000)] = 256
    clone_lr: Annotated[float, Param("Learning rate of the clone's SGD.", minimum=0)] = 0.01
    momentum: Annotated[float, Param("Momentum of the clone's SGD.", minimum=0, maximum=1)] = 0.9
    weight_decay: Annotated[float, Param("Weight decay of the clone's SGD.", minimum=0)] = 5e-4


@dataclass(frozen=True)
class OnlineParameters(LearnerParameters, LossParameters):
    """The learner ``online``."""


@dataclass(frozen=True)
class RoundsParameters:
    """Queries from a pool in equal rounds; see `RandomPoolStrategy`. Since version 1.7."""

    rounds: Annotated[int, Param("In how many rounds the budget is spent.", minimum=1, maximum=1_000_000)] = 5


@dataclass(frozen=True)
class SelectionRoundsParameters:
    """A random start, then rounds in which a pool is chosen from; see `round_sizes`. Since version 1.8."""

    seed_share: Annotated[
        float, Param("Share of the budget that is asked at random at the start.", minimum=0, maximum=1)
    ] = 0.1
    rounds: Annotated[int, Param("Rounds after the start.", minimum=1, maximum=100_000)] = 10
    growth: Annotated[
        float, Param("How many times as much each round asks as the one before.", minimum=1, maximum=10)
    ] = 1.0


@dataclass(frozen=True)
class FitParameters:
    """A clone that is fitted on all answers; see `FitLearner`."""

    epochs: Annotated[int, Param("Passes over all answers per fit.", minimum=1, maximum=1_000_000)] = 60
    batch_size: Annotated[int, Param("Answers per step of the clone.", minimum=1, maximum=1_000_000)] = 64
    optimizer: Annotated[Literal["sgd", "adam"], Param("Of the clone.", in_variant="changed")] = "sgd"
    learning_rate: Annotated[float, Param("Of the clone's optimiser at the start of a fit.", minimum=0)] = 0.02
    momentum: Annotated[float, Param("Of SGD.", minimum=0, maximum=1)] = 0.9
    weight_decay: Annotated[float, Param("Of the clone's optimiser.", minimum=0)] = 5e-4


@dataclass(frozen=True)
class UnlabelledParameters:
    """A clone that is fitted on answers and on inputs that were never asked; see `UnlabelledLearner`."""

    steps: Annotated[int, Param("Of a fit.", minimum=1, maximum=1_000_000_000)] = 2_000
    batch_size: Annotated[int, Param("Answers per step of the clone.", minimum=1, maximum=1_000_000)] = 64
    learning_rate: Annotated[float, Param("Of the clone's optimiser at the start of a fit.", minimum=0)] = 0.03
    weight_decay: Annotated[float, Param("Of the clone's optimiser.", minimum=0)] = 5e-4
    unlabelled_weight: Annotated[
        float,
        Param("Weight of unlabelled inputs in the loss. 0 takes none: the control.", minimum=0, in_variant="changed"),
    ] = 1.0
    views: Annotated[
        Literal["none", "crop", "crop-flip", "crop-flip-erase"],
        Param(
            "How images are changed in a step, their answers kept: shifts of up to 2 pixels, mirrored halves, a hole. "
            "Digits must not be mirrored; clothes may, and pictures in colour bear a hole.",
            in_variant="changed",
        ),
    ] = "crop"
    scored: Annotated[
        Literal["last", "average"],
        Param("The clone: the last weights, or their moving average over the steps of a fit.", in_variant="changed"),
    ] = "last"


@dataclass(frozen=True)
class MilestoneParameters:
    """A fit whose learning rate falls in steps in place of the cosine."""

    milestones: Annotated[
        tuple[float, ...],
        Param("Fractions of a fit at which the learning rate is multiplied by `lr_factor`.", minimum=0, maximum=1),
    ] = ()
    lr_factor: Annotated[float, Param("What the learning rate is multiplied by at milestones.", minimum=0)] = 0.1

    def schedule(self, rate: float) -> Schedule:
        """From the fraction of a fit to a learning rate that begins at ``rate``."""
        return step_schedule(rate, self.milestones, self.lr_factor)


@dataclass(frozen=True)
class EarlyStoppingParameters:
    """A clone whose fits stop early; see `EarlyStoppingLearner`."""

    epochs: Annotated[int, Param("Passes over all answers per fit, at most.", minimum=1, maximum=1_000_000)] = 1000
    patience: Annotated[
        int, Param("A fit ends after so many epochs without a better macro-F1.", minimum=1, maximum=1_000_000)
    ] = 100
    batch_size: Annotated[int, Param("Answers per step of the clone, at most.", minimum=1, maximum=1_000_000)] = 150
    learning_rate: Annotated[float, Param("Of Adam.", minimum=0)] = 1e-3
    weight_decay: Annotated[float, Param("Lambda of the term lambda/2 |w|^2 of the loss.", minimum=0)] = 1e-3


@dataclass(frozen=True)
class HoldOutParameters(EarlyStoppingParameters):
    """The learner ``fit-early-stopping``, which may have to hold answers out by itself."""

    held_out: Annotated[
        float,
        Param(
            "Share of answers that validate and are not learnt, where the strategy asks no validation queries.",
            minimum=0,
            maximum=0.9,
        ),
    ] = 0.2
