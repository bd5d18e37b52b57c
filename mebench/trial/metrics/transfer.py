"""Do adversarial examples that are made on the clone fool the victim? The metric ``transfer``.

The attacker takes inputs of its own (here: of the test set), makes adversarial examples on its clone, and sends them to
the victim. It moves away from the label that the victim gives the input, which it may ask for; MEGA, section 3.4,
defines success against that label too. Its experiments count the fraction of examples that succeed, with the second
class as target, and state neither epsilon nor steps. Inputs that the victim takes for the target before anything is
changed cannot count there: on MNIST and CIFAR-10 some of its targeted rates are far below such a class's share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.api.errors import ConfigurationError
from mebench.models.weights import logits_of
from mebench.toolkit.adversarial import Limits, bim, fgsm, pgd
from mebench.trial.metrics.entries import TransferParameters
from mebench.trial.metrics.evidence import NetworkEvidence

Make = Callable[..., Tensor]
ATTACKS: dict[str, Make] = {"fgsm": fgsm, "bim": bim, "pgd": pgd}


@dataclass(frozen=True)
class Benign:
    """Inputs before they are changed.

    Attributes:
        inputs: (N, \\*shape).
        labels: (N,) true labels.
        before: (N,) the victim's labels.
    """

    inputs: Tensor
    labels: Tensor
    before: Tensor

    @property
    def right(self) -> Tensor:
        """(N,) whether the victim's label is the true one."""
        return self.before == self.labels

    def those(self, chosen: Tensor) -> Benign:
        """The inputs of a mask or of indices."""
        return Benign(self.inputs[chosen], self.labels[chosen], self.before[chosen])


def transfer(evidence: NetworkEvidence, parameters: TransferParameters) -> dict[str, float | None]:
    """Return the success rates of adversarial examples.

    For each attack A there are, as fractions:

    - ``transfer_A``: of the inputs whose label the victim knows, those whose adversarial example it mislabels;
    - ``transfer_A_targeted``: of the inputs whose label it knows and which are not of the target class, those whose
      targeted example it takes for the target;
    - ``transfer_A_plain``: of all inputs, those whose example gets another label from the victim than the input;
    - ``transfer_A_targeted_plain``: of all inputs that the victim does not take for the target anyway, those whose
      targeted example it does.

    Each is None where nothing is counted, where the clone's logits are not finite, or where inputs have no gradient.

    Raises:
        ConfigurationError: no attack is named, or the victim has no such class.
    """
    classes = evidence.victim_logits.shape[1]
    target, epsilon = parameters.target, parameters.epsilon
    if target >= classes:
        raise ConfigurationError(
            f"metric transfer: target {target} is none of the victim's classes, 0 to {classes - 1}"
        )
    if not parameters.attacks:
        raise ConfigurationError("metric transfer: attacks names none")
    spec = evidence.victim.spec
    limits = Limits(epsilon, parameters.steps, parameters.relative_step * epsilon, spec.low, spec.high)
    chosen = spread(evidence.inputs, parameters.inputs)
    benign = Benign(evidence.inputs, evidence.labels, evidence.victim_labels).those(chosen)
    found: dict[str, float | None] = {}
    for name in parameters.attacks:
        if evidence.finite and evidence.inputs.is_floating_point():
            found |= _untargeted(name, evidence, benign, limits) | _targeted(name, evidence, benign, limits, target)
        else:
            found |= dict.fromkeys(names(name))
    return found


def names(attack: str) -> tuple[str, str, str, str]:
    """The keys of an attack's numbers: untargeted, plain, targeted, targeted and plain."""
    key = f"transfer_{attack}"
    return key, f"{key}_plain", f"{key}_targeted", f"{key}_targeted_plain"


def examples(
    attack: str,
    clone: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    limits: Limits,
    generator: torch.Generator,
    *,
    targeted: bool = False,
) -> Tensor:
    """Return adversarial examples by the name of the attack; see `mebench.toolkit.adversarial.pgd`."""
    more = {"generator": generator} if attack == "pgd" else {}
    return ATTACKS[attack](clone, inputs, labels, limits, targeted=targeted, **more)


def spread(inputs: Tensor, count: int) -> Tensor:
    """Return the indices of ``count`` inputs, evenly spaced, since test sets may be sorted; of all for 0."""
    total = len(inputs)
    kept = min(count, total) if count else total
    return torch.arange(kept, device=inputs.device) * total // kept


def _untargeted(name: str, evidence: NetworkEvidence, benign: Benign, limits: Limits) -> dict[str, float | None]:
    generator = evidence.random.torch(name, "cpu")
    moved = examples(name, evidence.clone, benign.inputs, benign.before, limits, generator)
    fooled = _labels(evidence.victim, moved) != benign.before
    key, plain, *_ = names(name)
    return {key: _share(fooled[benign.right]), plain: _share(fooled)}


def _targeted(
    name: str, evidence: NetworkEvidence, benign: Benign, limits: Limits, target: int
) -> dict[str, float | None]:
    """Only inputs that are not taken for the target count, and only of these are examples made."""
    benign = benign.those(benign.before != target)
    generator = evidence.random.torch(f"{name} targeted", "cpu")
    wanted = torch.full_like(benign.before, target)
    moved = examples(name, evidence.clone, benign.inputs, wanted, limits, generator, targeted=True)
    hit = _labels(evidence.victim, moved) == target
    *_, key, plain = names(name)
    return {key: _share(hit[benign.right]), plain: _share(hit)}


def _labels(victim: nn.Module, inputs: Tensor) -> Tensor:
    return logits_of(victim, inputs).argmax(1)


def _share(hits: Tensor) -> float | None:
    return int(hits.sum()) / len(hits) if len(hits) else None
