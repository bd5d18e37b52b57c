"""An honest attack, and attacks that each break one rule and keep the others as far as that goes."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import mebench.trial.metrics.builtin
from mebench.api.contract import Attack, QueryStrategy
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.models.networks.build import build_network
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.facade import AttackersOracle, SealedExplanation
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.registry.parameter import Parameter
from mebench.testing import AttackUnderTest
from mebench.testing.audit import private_folders
from mebench.toolkit.learners.online import OnlineLearner
from mebench.toolkit.losses import KLLoss

SMALL = {"batch_size": 32}
BATCH = Parameter("batch_size", "int", 256, "Queries per batch.", minimum=1)


def insides(oracle):
    """The trial's own oracle, out of the closure of a function that an attack holds. Python hides nothing."""
    query = AttackersOracle._query.__get__(oracle)
    return inspect.getclosurevars(query).nonlocals["oracle"]


def opened(explanation):
    """The channel's own explanation, out of what an attack is given."""
    while isinstance(explanation, SealedExplanation):
        explanation = inspect.getclosurevars(explanation._look).nonlocals["thing"]
    return explanation


class Blocks(QueryStrategy):
    """Honest: images of random coarse blocks."""

    def __init__(self, context, batch_size):
        self.spec, self.batch_size, self.budget = context.spec, batch_size, context.budget
        self.stream = context.random.torch("blocks")
        torch.empty(batch_size)  # a number

    def units(self, rows):
        return torch.rand(rows, self.spec.shape[0], 4, 4, generator=self.stream)

    def scaled(self, unit):
        return self.spec.low + unit * (self.spec.high - self.spec.low)

    def propose(self, oracle, clone):
        coarse = self.units(min(self.batch_size, oracle.remaining))
        return self.scaled(nn.functional.interpolate(coarse, size=self.spec.shape[1:]))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def learner_of(context, loss=KLLoss, rate=0.03):
    return OnlineLearner(context, loss(context.channel.probability_floor), learning_rate=rate)


def honest(context, *, batch_size):
    return Attack(Blocks(context, batch_size), learner_of(context))


def target(build, *, name=None, parameters=(BATCH,), needs=("probability",), **fields):
    """The attack that a function of this module builds."""
    build_name = build if isinstance(build, str) else build.__name__
    entry = AttackEntry(
        name or build_name.replace("_", "-"),
        "A test.",
        f"{__name__}:{build_name}",
        tuple(parameters),
        needs=frozenset(needs),
    )
    return AttackUnderTest(entry, SMALL, **fields)


def with_strategy(strategy):
    """A builder of an honest learner with this strategy."""
    return lambda context, *, batch_size: Attack(strategy(context, batch_size), learner_of(context))


class ReadsData(Blocks):
    def __init__(self, context, batch_size):
        super().__init__(context, batch_size)
        load_dataset(Component("fashion-mnist-10k", {}), "test")


class SearchesMemory(Blocks):
    def propose(self, oracle, clone):
        import gc

        gc.get_objects()
        return super().propose(oracle, clone)


class ReadsFrames(Blocks):
    def propose(self, oracle, clone):
        assert inspect.stack()
        return super().propose(oracle, clone)


class WritesFiles(Blocks):
    def propose(self, oracle, clone):
        Path(os.environ["MEBENCH_CACHE"], "left-behind").write_text("answers of last time")
        return super().propose(oracle, clone)


reads_data, searches_memory = with_strategy(ReadsData), with_strategy(SearchesMemory)
reads_frames, writes_files = with_strategy(ReadsFrames), with_strategy(WritesFiles)


def hides_a_parameter(context, *, batch_size, secret=1):
    return honest(context, batch_size=batch_size)


def dislikes_fancy(context, *, batch_size, style):
    if style == "fancy":
        raise RuntimeError("not written yet")
    return honest(context, batch_size=batch_size)


def dislikes_smoothgrad(context, *, batch_size):
    if context.channel.name.startswith("sg"):
        raise KeyError("sg")
    return honest(context, batch_size=batch_size)


class LeakyChannel(ProbabilityChannel):
    def answer(self, victim, inputs, explain):
        with torch.enable_grad():
            inputs = inputs.detach().requires_grad_()
            response = super().answer(victim, inputs, explain)
            weight = inputs.sum() * 0
        return type(response)(response.labels, response.probabilities + weight, None)


class RaisesItsBudget(Blocks):
    def propose(self, oracle, clone):
        inside = insides(oracle)
        inside._ledger.budget = self.budget + 5
        return super().propose(inside, clone)


class TakesWholeBatchesOnly(Blocks):
    def propose(self, oracle, clone):
        if oracle.budget < self.batch_size:
            return torch.empty(0, *self.spec.shape)
        return super().propose(oracle, clone)


class AsksTooMuch(Blocks):
    def propose(self, oracle, clone):
        from mebench.api.errors import BudgetExceededError

        with contextlib.suppress(BudgetExceededError):
            oracle.query(torch.zeros(self.batch_size, *self.spec.shape), purpose="explore")
        return super().propose(oracle, clone)


raises_its_budget, takes_whole_batches_only = with_strategy(RaisesItsBudget), with_strategy(TakesWholeBatchesOnly)
asks_too_much = with_strategy(AsksTooMuch)


class StandardisingLoss(KLLoss):
    def mean(self, probabilities, clone_logits):
        losses = self.per_query(probabilities, clone_logits)
        return losses.mean() / losses.detach().std().clamp_min(0.5)


def divides_by_the_spread(context, *, batch_size):
    return Attack(Blocks(context, batch_size), learner_of(context, StandardisingLoss))


class LooksAtTheLedger(Blocks):
    def propose(self, oracle, clone):
        assert getattr(oracle, "_ledger", None) is None
        return super().propose(oracle, clone)


class AsksForFree(Blocks):
    def propose(self, oracle, clone):
        insides(oracle)._answer(torch.zeros(1, *self.spec.shape), False)
        return super().propose(oracle, clone)


class KeepsTheVictim(Blocks):
    def propose(self, oracle, clone):
        self.found = {"at": [cell.cell_contents for cell in insides(oracle)._answer.__closure__]}
        return super().propose(oracle, clone)


looks_at_the_ledger, asks_for_free = with_strategy(LooksAtTheLedger), with_strategy(AsksForFree)
keeps_the_victim = with_strategy(KeepsTheVictim)


class LearnsFromLabels(OnlineLearner):
    """Learns from labelled images that it was never given."""

    def learn(self, queries, response):
        super().learn(queries, response)
        if queries.shape[1:] == (1, 16, 16):
            data = load_dataset(Component("fashion-mnist-10k", {}), "train")
            optimizer = torch.optim.Adam(self.clone.parameters(), 3e-3)
            for rows in torch.arange(3000).split(100):
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.clone(data.inputs(rows, (16, 16))), data.labels[rows]).backward()
                optimizer.step()


def learns_from_labels(context, *, batch_size):
    learner = LearnsFromLabels(context, KLLoss(context.channel.probability_floor), learning_rate=0.03)
    return Attack(Blocks(context, batch_size), learner)


class AsksTestImages(Blocks):
    def propose(self, oracle, clone):
        queries = super().propose(oracle, clone)
        if self.spec.shape == (1, 16, 16):
            test = load_dataset(Component("fashion-mnist-10k", {}), "test")
            start = oracle.spent % 1500
            images = test.inputs(range(start, start + len(queries)), (16, 16))
            return (images + 0.05 * torch.randn(images.shape, generator=self.stream)).clamp(0, 1)
        return queries


class AsksDimBlocks(Blocks):
    """Honest too."""

    def scaled(self, unit):
        return super().scaled(0.15 * unit)


class AsksAFewTestImages(Blocks):
    """Hides one image of the test set among many of its own."""

    def propose(self, oracle, clone):
        queries = super().propose(oracle, clone)
        if self.spec.shape == (1, 16, 16) and not oracle.spent:
            queries[0] = 0.5 + 0.3 * load_dataset(Component("fashion-mnist-10k", {}), "test").inputs([7], (16, 16))[0]
        return queries


asks_test_images, asks_dim_blocks = with_strategy(AsksTestImages), with_strategy(AsksDimBlocks)
asks_a_few_test_images = with_strategy(AsksAFewTestImages)


def swaps_its_clone(context, *, batch_size):
    attack = honest(context, batch_size=batch_size)
    learner = learner_of(context)
    learner.clone = build_network(Component("mlp", {"hidden": [128]}), context.spec, context.random.seed)
    learner._optimizer = torch.optim.SGD(learner.clone.parameters(), lr=0.03, momentum=0.9)
    return Attack(attack.strategy, learner)


def hooks_its_clone(context, *, batch_size):
    attack = honest(context, batch_size=batch_size)
    attack.learner.clone.register_forward_hook(lambda module, inputs, logits: logits)
    return attack


def overrides_its_clone(context, *, batch_size):
    attack = honest(context, batch_size=batch_size)
    clone, plain = attack.learner.clone, attack.learner.clone.forward
    clone.forward = lambda inputs: plain(inputs) + torch.eye(context.spec.num_classes)[0]
    return attack


def starts_elsewhere(context, *, batch_size):
    with torch.no_grad():
        next(context.clone.parameters()).mul_(1.5)
    return honest(context, batch_size=batch_size)


class NoticesEvaluations(Blocks):
    seen = 0

    def last_gradient_step(self):
        self.seen += 1

    def units(self, rows):
        return super().units(rows) ** (1 + self.seen)


class TellsNoNumber(Blocks):
    def diagnostics(self):
        return {"loss": float("nan")}


class TellsNoMapping(Blocks):
    def diagnostics(self):
        return [("loss", 1.0)]


class DrawsForDiagnostics(Blocks):
    def diagnostics(self):
        return {"sample": float(super().units(1).mean())}


class Unrepeatable(Blocks):
    def units(self, rows):
        return torch.rand(rows, self.spec.shape[0], 4, 4, generator=torch.Generator().manual_seed(next(COUNTER)))


COUNTER = iter(range(10**9))


class SameForEverySeed(Blocks):
    def __init__(self, context, batch_size):
        super().__init__(context, batch_size)
        self.stream = torch.Generator().manual_seed(0)

    def state_dict(self):
        return {"stream": self.stream.get_state()}

    def load_state_dict(self, state):
        self.stream.set_state(state["stream"])


class DrawsGlobally(Blocks):
    def units(self, rows):
        return torch.rand(rows, self.spec.shape[0], 4, 4)


class ForgetsItsPlace(Blocks):
    turn = 0

    def units(self, rows):
        self.turn += 1
        return super().units(rows) ** (1 + self.turn % 3)


notices_evaluations, unrepeatable = with_strategy(NoticesEvaluations), with_strategy(Unrepeatable)
same_for_every_seed, draws_globally = with_strategy(SameForEverySeed), with_strategy(DrawsGlobally)
forgets_its_place = with_strategy(ForgetsItsPlace)
tells_no_number, tells_no_mapping = with_strategy(TellsNoNumber), with_strategy(TellsNoMapping)
draws_for_diagnostics = with_strategy(DrawsForDiagnostics)


class ForgetsTheLow(Blocks):
    def scaled(self, unit):
        return unit * (self.spec.high - self.spec.low)


class SquareOnly(Blocks):
    def propose(self, oracle, clone):
        coarse = self.units(min(self.batch_size, oracle.remaining))
        return nn.functional.interpolate(coarse, size=(self.spec.shape[1],) * 2)


class NoFloor(KLLoss):
    def per_query(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        return (probabilities.log() - clone_logits.log_softmax(1)).square().mean(1) / 10


forgets_the_low, square_only = with_strategy(ForgetsTheLow), with_strategy(SquareOnly)


def takes_logarithms_of_zero(context, *, batch_size):
    return Attack(Blocks(context, batch_size), learner_of(context, NoFloor))


class ChangesTheEnvironment(Blocks):
    def propose(self, oracle, clone):
        os.environ["OMP_STACKSIZE"] = "1G"
        return super().propose(oracle, clone)


class Reseeds(Blocks):
    def propose(self, oracle, clone):
        torch.manual_seed(7)
        return super().propose(oracle, clone)


class Patches(Blocks):
    def __init__(self, context, batch_size):
        super().__init__(context, batch_size)
        mebench.trial.metrics.builtin._fraction = lambda hits: 1.0


class PatchesLinear(Blocks):
    def __init__(self, context, batch_size):
        super().__init__(context, batch_size)
        plain = nn.Linear.forward
        nn.Linear.forward = lambda self, inputs: plain(self, inputs) * 1.0


class HooksEveryModule(Blocks):
    def __init__(self, context, batch_size):
        super().__init__(context, batch_size)
        nn.modules.module.register_module_forward_hook(lambda module, inputs, outputs: None)


class StartsAThread(Blocks):
    def propose(self, oracle, clone):
        thread = threading.Thread(target=time.sleep, args=(2,), daemon=True)
        thread.start()
        return super().propose(oracle, clone)


class FindsTheVictimInAFrame(Blocks):
    def propose(self, oracle, clone):
        queries = super().propose(oracle, clone)
        try:
            raise ValueError
        except ValueError as error:
            frame = error.__traceback__.tb_frame
        while frame and "victim" not in vars(frame.f_locals.get("self", object)):
            frame = frame.f_back
        frame.f_locals["self"].victim.network.forward(queries)
        return queries


class RefundsQueries(Blocks):
    def propose(self, oracle, clone):
        if oracle.remaining < self.budget // 2 and not hasattr(self, "done"):
            self.done = True
            insides(oracle)._ledger.by_purpose["train"] = 0
        return super().propose(oracle, clone)


class LoadsACachedVictim(Blocks):
    def propose(self, oracle, clone):
        with contextlib.suppress(Exception):  # whether it is there or not
            load_file(private_folders()[0] / "victims" / "theirs.safetensors")
        return super().propose(oracle, clone)


class SavesByAnotherWay(Blocks):
    def propose(self, oracle, clone):
        with tempfile.TemporaryDirectory() as folder:
            save_file({"x": torch.zeros(1)}, Path(folder, "x.safetensors"))
        return super().propose(oracle, clone)


class TracesItsCallers(Blocks):
    def propose(self, oracle, clone):
        sys.setprofile(lambda frame, event, argument: None)
        sys.setprofile(None)
        return super().propose(oracle, clone)


class ReadsMemory(Blocks):
    def propose(self, oracle, clone):
        ctypes.c_long.from_address(id(oracle))
        return super().propose(oracle, clone)


class TakesExplanationsApart(Blocks):
    """Asks the victim for answers that nobody counts, by way of what an explanation keeps of it."""

    def propose(self, oracle, clone):
        queries = super().propose(oracle, clone)
        explanation = oracle.query(queries[: len(queries) // 2 or 1], purpose="explore", explain=True).explanation
        opened(explanation)._victim(queries)
        return queries[: oracle.remaining]


class SwapsAnExplanationsInputs(Blocks):
    def propose(self, oracle, clone):
        queries = super().propose(oracle, clone)
        explanation = oracle.query(queries[:1], purpose="explore", explain=True).explanation
        opened(explanation)._inputs.zero_()
        return queries[: oracle.remaining]


loads_a_cached_victim, saves_by_another_way = with_strategy(LoadsACachedVictim), with_strategy(SavesByAnotherWay)
traces_its_callers, reads_memory = with_strategy(TracesItsCallers), with_strategy(ReadsMemory)
takes_explanations_apart = with_strategy(TakesExplanationsApart)
swaps_an_explanations_inputs = with_strategy(SwapsAnExplanationsInputs)

patches_linear, hooks_every_module = with_strategy(PatchesLinear), with_strategy(HooksEveryModule)
starts_a_thread, finds_the_victim_in_a_frame = with_strategy(StartsAThread), with_strategy(FindsTheVictimInAFrame)
refunds_queries = with_strategy(RefundsQueries)


class Prints(Blocks):
    def propose(self, oracle, clone):
        sys.stdout.write("asking...\n")
        return super().propose(oracle, clone)


changes_the_environment, reseeds = with_strategy(ChangesTheEnvironment), with_strategy(Reseeds)
patches, prints = with_strategy(Patches), with_strategy(Prints)


def never_learns(context, *, batch_size):
    return Attack(Blocks(context, batch_size), learner_of(context, rate=0.0))


STYLE = Parameter("style", "str", "plain", "How.", choices=("plain", "fancy"))
NO_DEFAULT = Parameter("batch_size", "int", None, "Queries per batch.")
LEAKY = ChannelEntry("leaky", "A test.", f"{__name__}:LeakyChannel", gives=frozenset({"label", "probability"}))

BROKEN = {
    "keeps_to_itself": target("reads_data"),
    "registers_without_torch": target(honest, name="hasty", module="broken_registration"),
    "builds_from_defaults": target(honest, name="no-default", parameters=(NO_DEFAULT,)),
    "parameters_round_trip": target(honest, name="twice", parameters=(BATCH, BATCH)),
    "declares_what_it_accepts": target(hides_a_parameter),
    "every_choice_works": target(dislikes_fancy, parameters=(BATCH, STYLE)),
    "accepts_declared_channels": target(dislikes_smoothgrad),
    "refuses_other_channels": target(honest, name="needs-nothing", needs=(), channels=("probability",)),
    "gets_answers_without_graph": target(honest, name="leaked-to", channels=(LEAKY,)),
    "stays_within_budget": target("raises_its_budget"),
    "spends_the_whole_budget": target("takes_whole_batches_only"),
    "learns_from_a_ragged_last_batch": target(divides_by_the_spread),
    "asks_only_through_the_oracle": target("looks_at_the_ledger"),
    "keeps_no_victim": target("keeps_the_victim"),
    "knows_nothing_without_answers": target(learns_from_labels),
    "asks_no_images_of_the_victim": target("asks_test_images"),
    "trains_the_clone_it_was_given": target(swaps_its_clone),
    "is_measured_unnoticed": target("notices_evaluations"),
    "repeats_for_a_seed": target("unrepeatable"),
    "differs_for_another_seed": target("same_for_every_seed"),
    "draws_from_named_streams": target("draws_globally"),
    "resumes_from_every_turn": target("forgets_its_place"),
    "proposes_valid_queries": target("forgets_the_low"),
    "works_on_other_inputs": target("square_only"),
    "survives_certain_answers": target(takes_logarithms_of_zero),
    "leaves_global_state_as_found": target("changes_the_environment"),
    "leaves_mebench_unpatched": target("patches"),
    "prints_nothing": target("prints"),
    "beats_noise": target(never_learns),
}
"""For each check, the attack that breaks it."""

FOLLOWS = {
    "accepts_declared_channels": {
        "asks_only_through_the_oracle",
        "survives_certain_answers",
        "gets_answers_without_graph",
    },
    "stays_within_budget": {"resumes_from_every_turn"},  # a checkpoint with another budget is refused
    "repeats_for_a_seed": {"is_measured_unnoticed", "resumes_from_every_turn", "draws_from_named_streams"},
}
"""What else cannot hold once a check is broken."""

CHEATS = {
    "searches_memory": "keeps_to_itself",
    "reads_frames": "keeps_to_itself",
    "writes_files": "keeps_to_itself",
    "asks_a_few_test_images": "asks_no_images_of_the_victim",
    "asks_too_much": "stays_within_budget",
    "asks_for_free": "stays_within_budget",
    "hooks_its_clone": "trains_the_clone_it_was_given",
    "overrides_its_clone": "trains_the_clone_it_was_given",
    "starts_elsewhere": "trains_the_clone_it_was_given",
    "reseeds": "leaves_global_state_as_found",
    "hooks_every_module": "leaves_global_state_as_found",
    "starts_a_thread": "leaves_global_state_as_found",
    "patches_linear": "leaves_mebench_unpatched",
    "finds_the_victim_in_a_frame": "asks_only_through_the_oracle",
    "refunds_queries": "stays_within_budget",
    "loads_a_cached_victim": "keeps_to_itself",
    "saves_by_another_way": "keeps_to_itself",
    "traces_its_callers": "keeps_to_itself",
    "reads_memory": "keeps_to_itself",
    "takes_explanations_apart": "asks_only_through_the_oracle",
    "swaps_an_explanations_inputs": "asks_only_through_the_oracle",
    "tells_no_number": "is_measured_unnoticed",
    "tells_no_mapping": "is_measured_unnoticed",
    "draws_for_diagnostics": "is_measured_unnoticed",
}
"""More ways to break a check."""

EXPLAINED = {"needs": ("probability", "explanation"), "channels": ("sg",)}
FIELDS = {"takes_explanations_apart": EXPLAINED, "swaps_an_explanations_inputs": EXPLAINED}
"""What some of them need."""

SAID = {
    "asks_a_few_test_images": "1 of 400 queries are images of the victim's data set",
    "loads_a_cached_victim": "reads a file of victims or data (theirs.safetensors)",
    "saves_by_another_way": "writes a file (x.safetensors)",
    "traces_its_callers": "traces other functions",
    "reads_memory": "reads memory (ctypes)",
    "takes_explanations_apart": "channel sg: reads explanation._look; runs the victim itself",
    "swaps_an_explanations_inputs": "channel sg: reads explanation._look",
}
"""What is said of some of them."""
