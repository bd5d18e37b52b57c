from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from toys import SPEC, perceptron
from trials import VICTIM, resolved, tiny_trial

from mebench.api.contract import InputSpec, Victim
from mebench.api.errors import MebenchError
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrialSpec
from mebench.models.weights import logits_of
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry, MetricOutput, NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.toolkit.adversarial import Limits
from mebench.trial.metrics.entries import ADVERSARIAL, TransferParameters
from mebench.trial.metrics.evidence import NetworkEvidence
from mebench.trial.metrics.examination import Examination
from mebench.trial.metrics.transfer import examples, names, spread, transfer
from mebench.trial.trial import run_trial

DEFAULTS = TransferParameters(epsilon=0.03, steps=4, relative_step=0.4, inputs=0)


def evidence_of(
    victim: nn.Module, clone: nn.Module, inputs: Tensor, labels: Tensor, spec: InputSpec = SPEC, seed: int = 0
):
    logits = logits_of(victim, inputs), logits_of(clone, inputs)
    random = RandomStreams(seed, torch.device("cpu"))
    return NetworkEvidence(inputs, labels, *logits, victim=Victim(victim, spec), clone=clone, random=random)


def toy(count: int = 60) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    """A victim that is right on about half of the inputs, a clone that is like it, inputs and labels."""
    victim = perceptron(scale=3)
    clone = perceptron(scale=3)
    torch.manual_seed(5)
    with torch.no_grad():
        clone[1].weight.add_(0.05 * torch.randn_like(clone[1].weight))
    inputs = torch.rand(count, *SPEC.shape)
    labels = victim(inputs).argmax(1)
    labels[::2] = torch.randint(SPEC.num_classes, (len(labels[::2]),))
    return victim, clone, inputs, labels


def test_the_rates_are_those_of_counting_one_input_after_the_other() -> None:
    victim, clone, inputs, labels = toy()
    found = transfer(evidence_of(victim, clone, inputs, labels), DEFAULTS)
    step = 0.4 * 0.03

    def made(image: Tensor, label: int, steps: int, size: float, sign: int) -> int:
        """The victim's label of an example without a random start."""
        point = image
        for _ in range(steps):
            point = point.detach().clone().requires_grad_()
            functional.cross_entropy(clone(point[None]), torch.tensor([label])).backward()
            point = point + sign * size * point.grad.sign()
            point = (image + (point - image).clip(-0.03, 0.03)).clip(0, 1)
        return int(victim(point[None]).argmax())

    for name, steps, size in (("fgsm", 1, 0.03), ("bim", 4, step)):
        counts = {key: [0, 0] for key in names(name)}
        key, plain, targeted, targeted_plain = names(name)
        for image, truth in zip(inputs, labels.tolist(), strict=True):
            before = int(victim(image[None]).argmax())
            moved = made(image, before, steps, size, 1)
            for which in [plain] + [key] * (before == truth):
                counts[which] = [counts[which][0] + (moved != before), counts[which][1] + 1]
            if before != 1:
                hit = made(image, 1, steps, size, -1) == 1
                for which in [targeted_plain] + [targeted] * (before == truth):
                    counts[which] = [counts[which][0] + hit, counts[which][1] + 1]
        for which, (hits, of) in counts.items():
            assert found[which] == pytest.approx(hits / of), which
        assert counts[key][1] < counts[plain][1] == len(inputs)
        assert counts[targeted][1] < counts[targeted_plain][1] < len(inputs)
    assert 0 < found["transfer_bim"] < 1
    assert 0 < found["transfer_bim_targeted"] < 1


def test_pgd_counts_the_examples_that_its_stream_gives() -> None:
    victim, clone, inputs, labels = toy()
    found = transfer(evidence_of(victim, clone, inputs, labels, seed=3), DEFAULTS)
    before = victim(inputs).argmax(1)
    stream = RandomStreams(3, torch.device("cpu")).torch("pgd", "cpu")
    moved = examples("pgd", clone, inputs, before, Limits(0.03, 4, 0.012), stream)
    assert found["transfer_pgd_plain"] == pytest.approx(float((victim(moved).argmax(1) != before).float().mean()))
    other = transfer(evidence_of(victim, clone, inputs, labels, seed=4), DEFAULTS)
    assert {key: value for key, value in found.items() if "pgd" not in key} == {
        key: value for key, value in other.items() if "pgd" not in key
    }


def test_what_is_measured_of_an_attack_does_not_depend_on_the_others() -> None:
    victim, clone, inputs, labels = toy(20)
    whole = transfer(evidence_of(victim, clone, inputs, labels), DEFAULTS)
    alone = transfer(evidence_of(victim, clone, inputs, labels), replace(DEFAULTS, attacks=["pgd"]))
    assert alone == {key: whole[key] for key in names("pgd")}


def test_without_room_to_move_nothing_is_fooled_and_the_victims_own_gradients_fool_most() -> None:
    victim, clone, inputs, labels = toy()
    still = transfer(evidence_of(victim, clone, inputs, labels), replace(DEFAULTS, epsilon=0.0))
    assert set(still.values()) == {0.0}
    own = transfer(evidence_of(victim, victim, inputs, labels), replace(DEFAULTS, epsilon=0.3))
    foreign = transfer(evidence_of(victim, perceptron(seed=9), inputs, labels), replace(DEFAULTS, epsilon=0.3))
    assert own["transfer_bim"] > 0.95
    assert own["transfer_bim_targeted"] > foreign["transfer_bim_targeted"]


def test_rates_of_nothing_are_unknown() -> None:
    victim, clone, inputs, _ = toy(8)
    before = victim(inputs).argmax(1)
    wrong = (before + 1) % SPEC.num_classes
    found = transfer(evidence_of(victim, clone, inputs, wrong), replace(DEFAULTS, attacks=["fgsm"]))
    assert (found["transfer_fgsm"], found["transfer_fgsm_targeted"]) == (None, None)
    assert found["transfer_fgsm_plain"] is not None
    one = int(before[0])
    same = before == one
    found = transfer(evidence_of(victim, clone, inputs[same], before[same]), replace(DEFAULTS, target=one))
    assert (found["transfer_bim_targeted"], found["transfer_bim_targeted_plain"]) == (None, None)


def test_a_clone_that_diverged_and_inputs_without_gradient_have_no_rates() -> None:
    victim, clone, inputs, labels = toy(8)
    with torch.no_grad():
        clone[1].weight.fill_(float("nan"))
    assert set(transfer(evidence_of(victim, clone, inputs, labels), DEFAULTS).values()) == {None}
    words = torch.randint(5, (8, 4))
    table = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(12, 4)).requires_grad_(False)
    evidence = evidence_of(table, table, words, torch.zeros(8, dtype=torch.long), InputSpec((4,), 4))
    assert set(transfer(evidence, DEFAULTS).values()) == {None}


def test_inputs_are_spread_over_a_test_set_that_may_be_sorted() -> None:
    assert spread(torch.empty(10, 1), 4).tolist() == [0, 2, 5, 7]
    assert spread(torch.empty(5, 1), 0).tolist() == spread(torch.empty(5, 1), 9).tolist() == [0, 1, 2, 3, 4]
    victim, clone, inputs, labels = toy()
    few = transfer(evidence_of(victim, clone, inputs, labels), replace(DEFAULTS, inputs=20, attacks=["bim"]))
    kept = torch.arange(0, 60, 3)
    alone = transfer(evidence_of(victim, clone, inputs[kept], labels[kept]), replace(DEFAULTS, attacks=["bim"]))
    assert few == alone


def test_every_number_is_declared_and_has_a_card() -> None:
    entry = registry().get(MetricEntry, "transfer")
    declared = [output.name for output in entry.outputs]
    assert set(declared) == {name for attack in ADVERSARIAL for name in names(attack)}
    assert all(isinstance(output, MetricOutput) and output.better == "higher" for output in entry.outputs)
    assert all(output.card.formula and output.in_percent for output in entry.outputs)
    assert entry.resolve({}) == {
        "attacks": ["fgsm", "bim", "pgd"],
        "epsilon": 0.1,
        "steps": 10,
        "relative_step": 0.25,
        "target": 1,
        "inputs": 1000,
    }


# In a trial

TRANSFER = resolved(Component("transfer", {"inputs": 40, "steps": 2, "relative_step": 0.5}), MetricEntry)


def attacked(**fields: Any) -> TrialSpec:
    return tiny_trial(budget=300, metrics=(TRANSFER,), evaluations=2, **fields)


@pytest.fixture
def folder_of(tmp_path):
    return lambda spec, name="whole": TrialFolder.of(tmp_path / name, spec)


def test_a_trial_measures_it_once_at_the_end_and_says_with_which_limits(folder_of) -> None:
    spec = attacked()
    folder = folder_of(spec)
    assert run_trial(spec, folder) == "finished"
    metrics = folder.result()["metrics"]
    found = {name: metrics[name] for name in metrics if name.startswith("transfer")}
    assert set(found) == {name for attack in ADVERSARIAL for name in names(attack)}
    assert all(0 <= value <= 1 for value in found.values())
    assert not any(key.startswith("transfer") for point in folder.curve() for key in point)
    (said,) = folder.result()["spec"]["metrics"]
    assert said["parameters"] == {**TRANSFER.parameters, "epsilon": 0.1, "target": 1, "attacks": ["fgsm", "bim", "pgd"]}


def test_the_attack_is_the_same_with_and_without_it(folder_of) -> None:
    spec = attacked()
    plain = replace(spec, metrics=())
    for one in (spec, plain):
        run_trial(one, folder_of(one))
    clones = [(folder_of(one).path / "clone.safetensors").read_bytes() for one in (spec, plain)]
    assert clones[0] == clones[1]
    results = [folder_of(one).result() for one in (spec, plain)]
    assert results[0]["ledger"] == results[1]["ledger"]


@pytest.mark.parametrize("track", ["native", "standard"])
def test_a_trial_that_is_killed_while_it_is_measured_goes_on_there_to_the_same_bytes(
    folder_of, monkeypatch, track: str
) -> None:
    spec = attacked(track=track)
    run_trial(spec, folder_of(spec))
    wanted = (folder_of(spec).path / "result.json").read_bytes()
    asked: list[int] = []

    def killed(self, *arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Examination, "complete", killed)
        patch.setattr(Examination, "rehearse", lambda *arguments: None)
        with pytest.raises(KeyboardInterrupt):
            run_trial(spec, folder_of(spec, "killed"))
    with monkeypatch.context() as patch:
        from mebench.oracle.oracle import BudgetedOracle

        query = BudgetedOracle.query
        patch.setattr(BudgetedOracle, "query", lambda self, *a, **k: (asked.append(1), query(self, *a, **k))[1])
        run_trial(spec, folder_of(spec, "killed"))
    assert not asked
    assert (folder_of(spec, "killed").path / "result.json").read_bytes() == wanted


def test_the_supervised_bound_has_it_too(folder_of) -> None:
    spec = TrialSpec(
        kind="supervised",
        victim=VICTIM,
        channel=Component("none"),
        attack=Component("supervised"),
        variant="default",
        clone=resolved(Component("mlp"), NetworkEntry),
        budget=0,
        seed=0,
        metrics=(TRANSFER,),
    )
    run_trial(spec, folder_of(spec))
    assert 0 < folder_of(spec).result()["metrics"]["transfer_bim"] <= 1


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [({"target": 10}, "target 10 is none of the victim's classes, 0 to 9"), ({"attacks": []}, "attacks names none")],
)
def test_what_cannot_be_measured_fails_before_the_first_query(
    folder_of, parameters: dict[str, Any], reason: str
) -> None:
    spec = replace(attacked(), metrics=(Component("transfer", TRANSFER.parameters | parameters),))
    with pytest.raises(MebenchError, match=f"metric transfer: {reason}"):
        run_trial(spec, folder_of(spec))
    assert folder_of(spec).curve() == []
