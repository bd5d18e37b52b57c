"""How many digits of an explanation the kink walk needs: the table on its card.

    python benchmarks/studies/kink_walk_digits.py > benchmarks/studies/kink_walk_digits.txt     minutes of one core

The victim is a network with one hidden layer of 32 ReLUs, trained on Fashion-MNIST. Its gradients are told with n
significant digits per value. The walk's two limits are set to what such rounding lets differ.
"""

from __future__ import annotations

from collections.abc import Callable

import click
import torch
from mebench_kink_walk import KinkWalkParameters
from mebench_kink_walk.attack import build
from torch import Tensor

from mebench.api.contract import AttackContext, Explanation, Response, Victim
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.models.networks.build import build_network
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle

CPU = torch.device("cpu")
BUDGET, UNITS, DATA = 6000, 32, "fashion-mnist-10k"


def to_digits(count: int) -> Callable[[Tensor], Tensor]:
    """Round every value to so many significant decimal digits."""

    def rounded(maps: Tensor) -> Tensor:
        size = maps.abs().double().clamp_min(1e-300).log10().floor()
        unit = 10.0 ** (size - count + 1)
        return ((maps.double() / unit).round() * unit).float()

    return rounded


class Rounded(Explanation):
    """An explanation whose maps are rounded."""

    def __init__(self, inner: Explanation, rounding: Callable[[Tensor], Tensor]) -> None:
        self._maps = rounding(inner.dense())

    def vjp(self, weights: Tensor) -> Tensor:
        return torch.einsum("bc,bc...->b...", weights, self._maps)

    def dense(self) -> Tensor:
        return self._maps


class RoundedChannel(VanillaGradientChannel):
    """Vanilla gradients, rounded."""

    def __init__(self, rounding: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._rounding = rounding

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        told = super().answer(victim, inputs, explain)
        maps = None if told.explanation is None else Rounded(told.explanation, self._rounding)
        return Response(told.labels, told.probabilities, maps)


def victim_of(data: str) -> PreparedVictim:
    """A network with one hidden layer that was trained on 6,000 images."""
    recipe = TrainingRecipe(epochs=10, batch_size=64, optimizer="adam", learning_rate=1e-3)
    network = Component("mlp", {"hidden": [UNITS]})
    return prepare_victim(
        VictimSpec("one-layer", data=Component(data, {"rows": [0, 6000]}), network=network, training=recipe, seed=77)
    )


def walk(prepared: PreparedVictim, rounding: Callable[[Tensor], Tensor], change: float) -> dict[str, float]:
    """What a walk finds: units, rows asked, agreement on test images and the largest error of a centred logit."""
    spec, channel = prepared.victim.spec, RoundedChannel(rounding)
    clone = build_network(Component("mlp", {"hidden": [96]}), spec, 0)
    context = AttackContext(spec, channel, BUDGET, clone, CPU, RandomStreams(0, CPU))
    oracle = BudgetedOracle(prepared.victim, channel, QueryLedger(BUDGET), "kink-walk")
    attack = build(context, KinkWalkParameters(change=change))
    while oracle.remaining:
        queries = attack.strategy.propose(oracle, clone)
        if not len(queries):
            break
        attack.learner.learn(queries, oracle.query(queries, explain=True))
    with torch.no_grad():
        true, found = prepared.victim(prepared.test_inputs), clone(prepared.test_inputs)
    error = ((true - true.mean(1, keepdim=True)) - (found - found.mean(1, keepdim=True))).abs().max()
    return {
        "units": attack.strategy.diagnostics()["units"] or 0,
        "rows": oracle.spent,
        "fidelity": 100 * float((true.argmax(1) == found.argmax(1)).float().mean()),
        "error": float(error),
        "spread": float(true.std()),
    }


def main() -> None:
    """Print a line for each way to tell the maps."""
    roundings: list[tuple[str, Callable[[Tensor], Tensor], float]] = [("float32", lambda maps: maps, 1e-3)]
    for digits in (6, 5, 4, 3, 2):
        roundings.append((f"{digits} digits", to_digits(digits), max(1e-3, 4 * 10.0 ** (1 - digits))))
    click.echo(
        f"{'data':18} {'maps':9} {'units':>5} {'rows':>5} {'fidelity %':>10} {'worst error':>11} {'sd of logits':>12}"
    )
    prepared = victim_of(DATA)
    for name, rounding, change in roundings:
        found = walk(prepared, rounding, change)
        told = f"{DATA:18} {name:9} {found['units']:5.0f} {found['rows']:5} {found['fidelity']:10.2f} "
        click.echo(told + f"{found['error']:11.2g} {found['spread']:12.2g}")


if __name__ == "__main__":
    main()
