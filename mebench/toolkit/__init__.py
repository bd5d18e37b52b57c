"""What attacks are made of, promised to plugin authors: strategies, learners, losses, schedules.

Names are imported on first use; those that declare parameters import no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.api.lazy import lazy_names

if TYPE_CHECKING:  # the same names as below, for type checkers; a test compares them
    from mebench.api.progress import heartbeat as heartbeat
    from mebench.models.augmentation import augmented as augmented
    from mebench.models.modes import evaluating as evaluating
    from mebench.models.modes import frozen as frozen
    from mebench.models.networks.compiling import compiled as compiled
    from mebench.models.networks.generator import UpsamplingGenerator as UpsamplingGenerator
    from mebench.models.networks.precision import as_trained as as_trained
    from mebench.models.to_device import to_device as to_device
    from mebench.models.weights import logits_of as logits_of
    from mebench.oracle.channels.truncation import only_largest as only_largest
    from mebench.oracle.channels.truncation import rounded as rounded
    from mebench.toolkit.adversarial import Limits as Limits
    from mebench.toolkit.adversarial import bim as bim
    from mebench.toolkit.adversarial import fgsm as fgsm
    from mebench.toolkit.adversarial import pgd as pgd
    from mebench.toolkit.boundary import DeepFool as DeepFool
    from mebench.toolkit.boundary import deepfool as deepfool
    from mebench.toolkit.explanations import OwnExplanation as OwnExplanation
    from mebench.toolkit.explanations import explained_score as explained_score
    from mebench.toolkit.explanations import logit_jacobian as logit_jacobian
    from mebench.toolkit.explanations import own_explanation as own_explanation
    from mebench.toolkit.features import with_features as with_features
    from mebench.toolkit.gradients import input_gradient as input_gradient
    from mebench.toolkit.hidden_layer import HiddenLayer as HiddenLayer
    from mebench.toolkit.hidden_layer import HiddenUnits as HiddenUnits
    from mebench.toolkit.keyed import keyed_numbers as keyed_numbers
    from mebench.toolkit.keyed import keyed_uniform as keyed_uniform
    from mebench.toolkit.keyed import normal_of as normal_of
    from mebench.toolkit.keyed import wire_form as wire_form
    from mebench.toolkit.learners.averages import moving_average as moving_average
    from mebench.toolkit.learners.continued import ContinuedFitLearner as ContinuedFitLearner
    from mebench.toolkit.learners.early_stopping import EarlyStoppingLearner as EarlyStoppingLearner
    from mebench.toolkit.learners.early_stopping import macro_f1 as macro_f1
    from mebench.toolkit.learners.explained import ExplainedFitLearner as ExplainedFitLearner
    from mebench.toolkit.learners.fit import FitLearner as FitLearner
    from mebench.toolkit.learners.online import OnlineLearner as OnlineLearner
    from mebench.toolkit.learners.online import StepLearner as StepLearner
    from mebench.toolkit.learners.pair import PairLearner as PairLearner
    from mebench.toolkit.learners.unlabelled import UnlabelledLearner as UnlabelledLearner
    from mebench.toolkit.learners.unlabelled import divergence as divergence
    from mebench.toolkit.learners.validated import PlateauFitLearner as PlateauFitLearner
    from mebench.toolkit.learners.validated import ValidatedLearner as ValidatedLearner
    from mebench.toolkit.losses import ExtractionLoss as ExtractionLoss
    from mebench.toolkit.losses import KLLoss as KLLoss
    from mebench.toolkit.losses import L1LogitLoss as L1LogitLoss
    from mebench.toolkit.losses import centred as centred
    from mebench.toolkit.losses import entropy as entropy
    from mebench.toolkit.losses import extraction_loss as extraction_loss
    from mebench.toolkit.losses import loss_derivatives as loss_derivatives
    from mebench.toolkit.losses import make_loss as make_loss
    from mebench.toolkit.losses import recovered_logits as recovered_logits
    from mebench.toolkit.noise import corner_inputs as corner_inputs
    from mebench.toolkit.noise import uniform_inputs as uniform_inputs
    from mebench.toolkit.parameters import ContinuedFitParameters as ContinuedFitParameters
    from mebench.toolkit.parameters import EarlyStoppingParameters as EarlyStoppingParameters
    from mebench.toolkit.parameters import FitParameters as FitParameters
    from mebench.toolkit.parameters import FrozenGeneratorParameters as FrozenGeneratorParameters
    from mebench.toolkit.parameters import GeneratorParameters as GeneratorParameters
    from mebench.toolkit.parameters import LearnerParameters as LearnerParameters
    from mebench.toolkit.parameters import LossParameters as LossParameters
    from mebench.toolkit.parameters import MilestoneParameters as MilestoneParameters
    from mebench.toolkit.parameters import PairParameters as PairParameters
    from mebench.toolkit.parameters import RestartedGeneratorParameters as RestartedGeneratorParameters
    from mebench.toolkit.parameters import RoundsParameters as RoundsParameters
    from mebench.toolkit.parameters import SelectionRoundsParameters as SelectionRoundsParameters
    from mebench.toolkit.parameters import StepParameters as StepParameters
    from mebench.toolkit.parameters import SteppedGeneratorParameters as SteppedGeneratorParameters
    from mebench.toolkit.parameters import UnlabelledParameters as UnlabelledParameters
    from mebench.toolkit.reservoir import Reservoir as Reservoir
    from mebench.toolkit.reservoir import Ring as Ring
    from mebench.toolkit.rows import rows_of as rows_of
    from mebench.toolkit.schedules import Plateau as Plateau
    from mebench.toolkit.schedules import Schedule as Schedule
    from mebench.toolkit.schedules import constant_schedule as constant_schedule
    from mebench.toolkit.schedules import cosine_schedule as cosine_schedule
    from mebench.toolkit.schedules import ramp_schedule as ramp_schedule
    from mebench.toolkit.schedules import set_rate as set_rate
    from mebench.toolkit.schedules import step_rate as step_rate
    from mebench.toolkit.schedules import step_schedule as step_schedule
    from mebench.toolkit.segments import Segments as Segments
    from mebench.toolkit.strategies.disagreement import DisagreementStrategy as DisagreementStrategy
    from mebench.toolkit.strategies.explained import ImageGradientStrategy as ImageGradientStrategy
    from mebench.toolkit.strategies.generator import FrozenGeneratorStrategy as FrozenGeneratorStrategy
    from mebench.toolkit.strategies.generator import GeneratorStrategy as GeneratorStrategy
    from mebench.toolkit.strategies.generator import SteppedGeneratorStrategy as SteppedGeneratorStrategy
    from mebench.toolkit.strategies.generator import seeded as seeded
    from mebench.toolkit.strategies.generator import squash as squash
    from mebench.toolkit.strategies.k_center import k_center as k_center
    from mebench.toolkit.strategies.k_means import in_turn as in_turn
    from mebench.toolkit.strategies.k_means import k_means as k_means
    from mebench.toolkit.strategies.pool import RandomPoolStrategy as RandomPoolStrategy
    from mebench.toolkit.strategies.pool import pool_batches as pool_batches
    from mebench.toolkit.strategies.pool import pool_of as pool_of
    from mebench.toolkit.strategies.restarted import RestartedGeneratorStrategy as RestartedGeneratorStrategy
    from mebench.toolkit.strategies.selection import HoldOut as HoldOut
    from mebench.toolkit.strategies.selection import Scene as Scene
    from mebench.toolkit.strategies.selection import Selection as Selection
    from mebench.toolkit.strategies.selection import SelectionStrategy as SelectionStrategy
    from mebench.toolkit.strategies.selection import highest as highest
    from mebench.toolkit.strategies.selection import lowest as lowest
    from mebench.toolkit.strategies.selection import round_sizes as round_sizes
    from mebench.toolkit.strategies.zeroth_order import ZerothOrderStrategy as ZerothOrderStrategy
    from mebench.toolkit.streams import BENIGN_STREAMS as BENIGN_STREAMS
    from mebench.toolkit.streams import CALIBRATION_STREAMS as CALIBRATION_STREAMS
    from mebench.toolkit.streams import mixed as mixed
    from mebench.toolkit.transforms import erased as erased
    from mebench.toolkit.transforms import transformed as transformed
    from mebench.toolkit.twins import twin as twin

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "mebench.api.progress": ["heartbeat"],
        "mebench.models.augmentation": ["augmented"],
        "mebench.models.modes": ["evaluating", "frozen"],
        "mebench.models.networks.compiling": ["compiled"],
        "mebench.models.networks.generator": ["UpsamplingGenerator"],
        "mebench.models.networks.precision": ["as_trained"],
        "mebench.models.to_device": ["to_device"],
        "mebench.models.weights": ["logits_of"],
        "mebench.oracle.channels.truncation": ["only_largest", "rounded"],
        "mebench.toolkit.adversarial": ["Limits", "bim", "fgsm", "pgd"],
        "mebench.toolkit.boundary": ["DeepFool", "deepfool"],
        "mebench.toolkit.explanations": ["OwnExplanation", "explained_score", "logit_jacobian", "own_explanation"],
        "mebench.toolkit.features": ["with_features"],
        "mebench.toolkit.gradients": ["input_gradient"],
        "mebench.toolkit.hidden_layer": ["HiddenLayer", "HiddenUnits"],
        "mebench.toolkit.keyed": ["keyed_numbers", "keyed_uniform", "normal_of", "wire_form"],
        "mebench.toolkit.learners.averages": ["moving_average"],
        "mebench.toolkit.learners.continued": ["ContinuedFitLearner"],
        "mebench.toolkit.learners.early_stopping": ["EarlyStoppingLearner", "macro_f1"],
        "mebench.toolkit.learners.explained": ["ExplainedFitLearner"],
        "mebench.toolkit.learners.fit": ["FitLearner"],
        "mebench.toolkit.learners.online": ["OnlineLearner", "StepLearner"],
        "mebench.toolkit.learners.pair": ["PairLearner"],
        "mebench.toolkit.learners.unlabelled": ["UnlabelledLearner", "divergence"],
        "mebench.toolkit.learners.validated": ["PlateauFitLearner", "ValidatedLearner"],
        "mebench.toolkit.losses": [
            "ExtractionLoss",
            "KLLoss",
            "L1LogitLoss",
            "centred",
            "entropy",
            "extraction_loss",
            "loss_derivatives",
            "make_loss",
            "recovered_logits",
        ],
        "mebench.toolkit.noise": ["corner_inputs", "uniform_inputs"],
        "mebench.toolkit.parameters": [
            "ContinuedFitParameters",
            "EarlyStoppingParameters",
            "FitParameters",
            "FrozenGeneratorParameters",
            "GeneratorParameters",
            "LearnerParameters",
            "LossParameters",
            "MilestoneParameters",
            "PairParameters",
            "RestartedGeneratorParameters",
            "RoundsParameters",
            "SelectionRoundsParameters",
            "StepParameters",
            "SteppedGeneratorParameters",
            "UnlabelledParameters",
        ],
        "mebench.toolkit.reservoir": ["Reservoir", "Ring"],
        "mebench.toolkit.rows": ["rows_of"],
        "mebench.toolkit.schedules": [
            "Plateau",
            "Schedule",
            "constant_schedule",
            "cosine_schedule",
            "ramp_schedule",
            "set_rate",
            "step_rate",
            "step_schedule",
        ],
        "mebench.toolkit.segments": ["Segments"],
        "mebench.toolkit.strategies.disagreement": ["DisagreementStrategy"],
        "mebench.toolkit.strategies.explained": ["ImageGradientStrategy"],
        "mebench.toolkit.strategies.generator": [
            "FrozenGeneratorStrategy",
            "GeneratorStrategy",
            "SteppedGeneratorStrategy",
            "seeded",
            "squash",
        ],
        "mebench.toolkit.strategies.k_center": ["k_center"],
        "mebench.toolkit.strategies.k_means": ["in_turn", "k_means"],
        "mebench.toolkit.strategies.pool": ["RandomPoolStrategy", "pool_batches", "pool_of"],
        "mebench.toolkit.strategies.restarted": ["RestartedGeneratorStrategy"],
        "mebench.toolkit.strategies.selection": [
            "HoldOut",
            "Scene",
            "Selection",
            "SelectionStrategy",
            "highest",
            "lowest",
            "round_sizes",
        ],
        "mebench.toolkit.strategies.zeroth_order": ["ZerothOrderStrategy"],
        "mebench.toolkit.streams": ["BENIGN_STREAMS", "CALIBRATION_STREAMS", "mixed"],
        "mebench.toolkit.transforms": ["erased", "transformed"],
        "mebench.toolkit.twins": ["twin"],
    },
)
