"""The defences that change answers."""

from __future__ import annotations

from mebench import DefenceEntry
from mebench_defences.parameters import (
    BudgetParameters,
    DawnParameters,
    Grad2Parameters,
    HighConfidenceParameters,
    MadParameters,
    MisinformationParameters,
    NoiseParameters,
    RandomClassParameters,
    ReverseSigmoidParameters,
    RoundingParameters,
    TemperatureParameters,
    TopKParameters,
)

ART = "Nicolae et al., Adversarial Robustness Toolbox v1.0.0, 2018, arXiv:1807.01069"
TRAMER = "Tramèr et al., Stealing Machine Learning Models via Prediction APIs, USENIX Security 2016, arXiv:1609.02943"
MAD = "Orekondy, Schiele and Fritz, Prediction Poisoning, ICLR 2020, arXiv:1906.10908"
GRAD2 = "Mazeika, Li and Forsyth, How to Steer Your Adversary, ICML 2022, arXiv:2206.14157"
GUARD = "Tang et al., ModelGuard: Information-Theoretic Defense Against Model Extraction Attacks, USENIX Security 2024"
SIGMOID = "Lee, Edwards, Molloy and Su, Defending ... Using Deceptive Perturbations, 2018, arXiv:1806.00054"
ADAPTIVE = "Kariyappa and Qureshi, Defending ... with Adaptive Misinformation, CVPR 2020, arXiv:1911.07100"
SZYLLER = "Szyller, Atli, Marchal and Asokan, DAWN, ACM Multimedia 2021, arXiv:1906.00830"

TRUNCATIONS = (
    DefenceEntry(
        "label-only",
        "Answers 1 for the most probable class and 0 for the others: the floor of every defence that keeps the label.",
        "mebench_defences.truncation:Label",
        paper=TRAMER,
    ),
    DefenceEntry(
        "top-k",
        "Answers the k largest probabilities, and 0 for the others.",
        "mebench_defences.truncation:TopK",
        TopKParameters,
        paper=TRAMER,
    ),
    DefenceEntry(
        "rounding",
        "Answers probabilities with few decimals.",
        "mebench_defences.truncation:Rounding",
        RoundingParameters,
        paper=TRAMER,
    ),
    DefenceEntry(
        "high-confidence",
        "Answers only probabilities above a threshold, and 0 for the others, also where that is all of them.",
        "mebench_defences.truncation:HighConfidence",
        HighConfidenceParameters,
        knob="threshold",
        knob_range=(0.0, 1.0),
        paper=ART,
    ),
    DefenceEntry(
        "temperature",
        "Softens answers: a control, which is undone exactly where the temperature is known.",
        "mebench_defences.truncation:Temperature",
        TemperatureParameters,
        knob="temperature",
        knob_range=(1.0, 1000.0),
    ),
)
NOISES = (
    DefenceEntry(
        "answer-noise",
        "Adds noise to probabilities or logits, the same for the same query or drawn anew.",
        "mebench_defences.noise:Noise",
        NoiseParameters,
        knob="scale",
        knob_range=(0.0, 20.0),
        paper=ART,
    ),
    DefenceEntry(
        "random-class",
        "Moves a share of the answer to a random class that is not the most probable: the baseline of GRAD^2.",
        "mebench_defences.noise:RandomClass",
        RandomClassParameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        paper=GRAD2,
    ),
)
MODELS = (
    DefenceEntry(
        "reverse-sigmoid",
        "Lifts small probabilities above moderate ones, so that one answer stands for several.",
        "mebench_defences.reverse_sigmoid:ReverseSigmoid",
        ReverseSigmoidParameters,
        knob="beta",
        knob_range=(0.0, 1.0),
        paper=SIGMOID,
    ),
    DefenceEntry(
        "mad",
        "Turns the gradient that a clone learns from as far as a budget allows, in closed form.",
        "mebench_defences.mad:Mad",
        MadParameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        forward=1.0,
        paper=MAD,
    ),
    DefenceEntry(
        "mad-argmax",
        "As mad, among answers that keep the most probable class.",
        "mebench_defences.mad:MadArgmax",
        MadParameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        forward=1.0,
        paper=MAD,
    ),
    DefenceEntry(
        "grad2",
        "GRAD^2: pushes a clone's update along a fixed direction, by the derivative of a distilled surrogate.",
        "mebench_defences.grad2:Grad2",
        Grad2Parameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        needs_data=True,
        forward=2.0,
        paper=GRAD2,
    ),
    DefenceEntry(
        "modelguard-w",
        "ModelGuard-W: the least likely answer within a budget that keeps the most probable class; exact.",
        "mebench_defences.modelguard_w:ModelGuardW",
        BudgetParameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        paper=GUARD,
    ),
    DefenceEntry(
        "modelguard-s",
        "ModelGuard-S: rounds answers to earlier answers, in the order in which the service gave them.",
        "mebench_defences.modelguard_s:ModelGuardS",
        BudgetParameters,
        knob="epsilon",
        knob_range=(0.0, 2.0),
        paper=GUARD,
    ),
    DefenceEntry(
        "adaptive-misinformation",
        "Answers wrongly where the victim is unsure, by a second network; the victim needs no outlier exposure.",
        "mebench_defences.misinformation:AdaptiveMisinformation",
        MisinformationParameters,
        knob="tau",
        knob_range=(0.0, 1.0),
        needs_data=True,
        forward=1.0,
        paper=ADAPTIVE,
    ),
    DefenceEntry(
        "dawn",
        "DAWN: answers a few keyed inputs wrongly, by which a stolen model is known again.",
        "mebench_defences.dawn:Dawn",
        DawnParameters,
        paper=SZYLLER,
    ),
    DefenceEntry(
        "cache",
        "Answers repeats with what was answered first, so that fresh noise before it cannot be averaged.",
        "mebench_defences.cache:Cache",
    ),
)
