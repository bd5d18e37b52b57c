"""Channels with explanations. An explanation is a lazy linear operator: nothing is computed until it is asked for."""

from mebench.oracle.channels.explanations.integrated import IntegratedGradientsChannel
from mebench.oracle.channels.explanations.smoothgrad import SmoothGradChannel
from mebench.oracle.channels.explanations.vanilla import GradientExplanation, VanillaGradientChannel
from mebench.oracle.channels.explanations.white_box import WhiteBoxChannel

__all__ = [
    "GradientExplanation",
    "IntegratedGradientsChannel",
    "SmoothGradChannel",
    "VanillaGradientChannel",
    "WhiteBoxChannel",
]
