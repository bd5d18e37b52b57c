"""What attacks are made of, promised to plugin authors: strategies, learners, losses, schedules.

Names are imported on first use; those that declare parameters import no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.api.lazy import lazy_names

if TYPE_CHECKING:  # the same names as below, for type checkers; a test compares them
    from mebench.api.progress import heartbeat as heartbeat
    from mebench.models.modes import evaluating as evaluating
    from mebench.models.modes import frozen as frozen
    from mebench.models.networks.compiling import compiled as compiled
    from mebench.models.networks.generator import UpsamplingGenerator as UpsamplingGenerator
    from mebench.models.networks.precision import as_trained as as_trained
    from mebench.models.to_device import to_device as to_device
    from mebench.models.weights import logits_of as logits_of
    from mebench.toolkit.adversarial import Limits as Limits
    from mebench.toolkit.adversarial import bim as bim
    from mebench.toolkit.adversarial import fgsm as fgsm
    from mebench.toolkit.adversarial import pgd as pgd
    from mebench.toolkit.boundary import DeepFool as DeepFool
    from mebench.toolkit.boundary import deepfool as deepfool
    from mebench.toolkit.learners.early_stopping import EarlyStoppingLearner as EarlyStoppingLearner
    from mebench.toolkit.learners.early_stopping import macro_f1 as macro_f1
    from mebench.toolkit.learners.entries import EARLY_STOPPING_PARAMETERS as EARLY_STOPPING_PARAMETERS
    from mebench.toolkit.learners.entries import FIT_PARAMETERS as FIT_PARAMETERS
    from mebench.toolkit.learners.entries import MILESTONE_PARAMETERS as MILESTONE_PARAMETERS
    from mebench.toolkit.learners.entries import with_defaults as with_defaults
    from mebench.toolkit.learners.fit import FitLearner as FitLearner
    from mebench.toolkit.learners.online import OnlineLearner as OnlineLearner
    from mebench.toolkit.learners.online import StepLearner as StepLearner
    from mebench.toolkit.learners.online import online_learner as online_learner
    from mebench.toolkit.losses import ExtractionLoss as ExtractionLoss
    from mebench.toolkit.losses import KLLoss as KLLoss
    from mebench.toolkit.losses import L1LogitLoss as L1LogitLoss
    from mebench.toolkit.losses import centred as centred
    from mebench.toolkit.losses import loss_derivatives as loss_derivatives
    from mebench.toolkit.losses import make_loss as make_loss
    from mebench.toolkit.parameters import FROZEN_GENERATOR_PARAMETERS as FROZEN_GENERATOR_PARAMETERS
    from mebench.toolkit.parameters import GENERATOR_PARAMETERS as GENERATOR_PARAMETERS
    from mebench.toolkit.parameters import LEARNER_PARAMETERS as LEARNER_PARAMETERS
    from mebench.toolkit.parameters import LOSS_PARAMETERS as LOSS_PARAMETERS
    from mebench.toolkit.parameters import generator_options as generator_options
    from mebench.toolkit.reservoir import Reservoir as Reservoir
    from mebench.toolkit.schedules import Schedule as Schedule
    from mebench.toolkit.schedules import constant_schedule as constant_schedule
    from mebench.toolkit.schedules import cosine_schedule as cosine_schedule
    from mebench.toolkit.schedules import set_rate as set_rate
    from mebench.toolkit.schedules import step_rate as step_rate
    from mebench.toolkit.schedules import step_schedule as step_schedule
    from mebench.toolkit.strategies.explained import ImageGradientStrategy as ImageGradientStrategy
    from mebench.toolkit.strategies.generator import GeneratorStrategy as GeneratorStrategy
    from mebench.toolkit.strategies.generator import seeded as seeded
    from mebench.toolkit.strategies.generator import squash as squash
    from mebench.toolkit.strategies.k_center import k_center as k_center
    from mebench.toolkit.strategies.pool import RandomPoolStrategy as RandomPoolStrategy
    from mebench.toolkit.strategies.pool import pool_of as pool_of
    from mebench.toolkit.strategies.zeroth_order import ZerothOrderStrategy as ZerothOrderStrategy

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "mebench.api.progress": ["heartbeat"],
        "mebench.models.modes": ["evaluating", "frozen"],
        "mebench.models.networks.compiling": ["compiled"],
        "mebench.models.networks.generator": ["UpsamplingGenerator"],
        "mebench.models.networks.precision": ["as_trained"],
        "mebench.models.to_device": ["to_device"],
        "mebench.models.weights": ["logits_of"],
        "mebench.toolkit.adversarial": ["Limits", "bim", "fgsm", "pgd"],
        "mebench.toolkit.boundary": ["DeepFool", "deepfool"],
        "mebench.toolkit.learners.early_stopping": ["EarlyStoppingLearner", "macro_f1"],
        "mebench.toolkit.learners.entries": [
            "EARLY_STOPPING_PARAMETERS",
            "FIT_PARAMETERS",
            "MILESTONE_PARAMETERS",
            "with_defaults",
        ],
        "mebench.toolkit.learners.fit": ["FitLearner"],
        "mebench.toolkit.learners.online": ["OnlineLearner", "StepLearner", "online_learner"],
        "mebench.toolkit.losses": [
            "ExtractionLoss",
            "KLLoss",
            "L1LogitLoss",
            "centred",
            "loss_derivatives",
            "make_loss",
        ],
        "mebench.toolkit.parameters": [
            "FROZEN_GENERATOR_PARAMETERS",
            "GENERATOR_PARAMETERS",
            "LEARNER_PARAMETERS",
            "LOSS_PARAMETERS",
            "generator_options",
        ],
        "mebench.toolkit.reservoir": ["Reservoir"],
        "mebench.toolkit.schedules": [
            "Schedule",
            "constant_schedule",
            "cosine_schedule",
            "set_rate",
            "step_rate",
            "step_schedule",
        ],
        "mebench.toolkit.strategies.explained": ["ImageGradientStrategy"],
        "mebench.toolkit.strategies.generator": ["GeneratorStrategy", "seeded", "squash"],
        "mebench.toolkit.strategies.k_center": ["k_center"],
        "mebench.toolkit.strategies.pool": ["RandomPoolStrategy", "pool_of"],
        "mebench.toolkit.strategies.zeroth_order": ["ZerothOrderStrategy"],
    },
)
