"""Channels with explanations. An explanation is a lazy linear operator: nothing is computed until it is asked for."""

from mebench.explanations.integrated import IntegratedGradientsChannel
from mebench.explanations.smoothgrad import SmoothGradChannel
from mebench.explanations.vanilla import GradientExplanation, VanillaGradientChannel
from mebench.explanations.white_box import WhiteBoxChannel

__all__ = [
    "GradientExplanation",
    "IntegratedGradientsChannel",
    "SmoothGradChannel",
    "VanillaGradientChannel",
    "WhiteBoxChannel",
]
