"""Small real objects that many tests share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, InputSpec, ResponseChannel, Victim
from mebench.api.random_streams import RandomStreams
from mebench.data.dataset import Dataset
from mebench.data.pools import DatasetPool
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry

SPEC = InputSpec((1, 8, 8), 10)


def seeded(seed: int) -> None:
    """Seed torch's numbers on the CPU, without the traceback of every call that `torch.manual_seed` keeps for GPUs."""
    torch.default_generator.manual_seed(seed)


def perceptron(spec: InputSpec = SPEC, seed: int = 0, scale: float = 1.0) -> nn.Sequential:
    """A smooth two-layer network; ``scale`` multiplies the last layer, so that large values saturate it."""
    seeded(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(spec.size, 32), nn.Tanh(), nn.Linear(32, spec.num_classes))
    with torch.no_grad():
        network[-1].weight.mul_(scale)
    return network


def convolutional(spec: InputSpec, seed: int = 0) -> nn.Sequential:
    """A network with batch norm and a bias-free convolution."""
    seeded(seed)
    return nn.Sequential(
        nn.Conv2d(spec.shape[0], 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, spec.num_classes),
    )


class Residual(nn.Module):
    """A block with a shortcut, batch norm with running statistics of its own, and no bias anywhere."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        with torch.no_grad():
            self.norm.running_mean.normal_(0, 0.1)
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + torch.relu(self.norm(self.convolution(inputs)))


def residual(spec: InputSpec, seed: int = 0) -> nn.Sequential:
    """A smooth-ended residual network without biases."""
    seeded(seed)
    return nn.Sequential(
        nn.Conv2d(spec.shape[0], 8, 3, padding=1, bias=False),
        Residual(8),
        nn.Softplus(beta=3),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, spec.num_classes, bias=False),
    ).eval()


class Counting(nn.Module):
    """Counts the rows that reach a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.rows = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.rows += len(inputs)
        return self.network(inputs)


def oracle_of(
    network: nn.Module, channel: ResponseChannel, budget: int = 10_000, spec: InputSpec = SPEC, observers=()
) -> tuple[BudgetedOracle, QueryLedger]:
    """An oracle and its ledger."""
    ledger = QueryLedger(budget)
    channel.use_randomness(RandomStreams(0, torch.device("cpu")))
    return BudgetedOracle(Victim(network, spec), channel, ledger, "toy", observers), ledger


def context_of(
    channel: ResponseChannel, clone: nn.Module, budget: int = 10_000, seed: int = 0, spec: InputSpec = SPEC, pool=None
) -> AttackContext:
    """What an attack is built from."""
    device = torch.device("cpu")
    return AttackContext(spec, channel, budget, clone, device, RandomStreams(seed, device), pool)


def pool_of(count: int = 60, labels: Tensor | None = None) -> DatasetPool:
    """Random images of `SPEC`'s shape; their labels are all 0 unless given."""
    images = torch.randint(256, (count, *SPEC.shape), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    labels = torch.zeros(count, dtype=torch.int64) if labels is None else labels
    return DatasetPool(Dataset("toy", images, labels, 10, "made"))


def build_attack(name: str, context: AttackContext, **parameters):
    """Build a registered attack with its defaults."""
    return registry().get(AttackEntry, name).call(context, given=parameters)


def one_turn(attack, oracle: BudgetedOracle) -> Tensor:
    """One turn of the loop of `mebench.trial.loop`; returns the queries."""
    queries = attack.strategy.propose(oracle, attack.learner.clone)
    response = oracle.query(queries, explain=attack.learner.wants_explanations)
    attack.learner.learn(queries, response)
    attack.strategy.observe(queries, response, attack.learner.clone)
    return queries


def spend_all(attack, oracle: BudgetedOracle) -> int:
    """Run the loop to its end; returns the number of turns."""
    turns = 0
    while oracle.remaining:
        one_turn(attack, oracle)
        turns += 1
    return turns
