import copy
import math

import pytest
import torch
from mebench_mega import MegaParameters
from mebench_mega.attack import ConfidenceStrategy
from mebench_mega.learner import PlateauLearner
from mebench_mega.losses import balance_loss, confidence_loss
from mebench_mega.memory import Memory
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all

from mebench.api.contract import Response
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit.strategies.generator import squash

SMALL = {
    "noise_vectors": 10,
    "noise_dim": 5,
    "generator_width": 4,
    "generator_batch_size": 4,
    "generator_steps": 3,
    "batch_size": 4,
    "max_epochs": 3,
}
LEARNER = {"batch_size": 4, "clone_lr": 0.01, "max_epochs": 3, "tolerance": 0.0, "patience": 1}


def built(budget=1000, channel=LabelChannel, clone=None, **parameters):
    clone = perceptron() if clone is None else clone
    attack = build_attack("mega", context_of(channel(), clone, budget=budget), **{**SMALL, **parameters})
    oracle, ledger = oracle_of(perceptron(seed=1, scale=3), channel(), budget=budget)
    return attack, oracle, ledger


def strategy_of(**options):
    return ConfidenceStrategy(context_of(LabelChannel(), perceptron()), MegaParameters(**{**SMALL, **options}))


def learner_of(clone=None, channel=LabelChannel, **options):
    clone = perceptron() if clone is None else clone
    return PlateauLearner(context_of(channel(), clone), MegaParameters(**{**LEARNER, **options}))


def answered(channel=LabelChannel, rows=10):
    inputs = torch.rand(rows, *SPEC.shape, generator=torch.Generator().manual_seed(5))
    return inputs, oracle_of(perceptron(seed=1, scale=3), channel())[0].query(inputs)


def weights_of(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_confidence_loss_is_minus_the_mean_log_of_the_highest_probability():
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]).log()
    expected = -(math.log(0.5) + math.log(0.7)) / 2
    assert confidence_loss(logits).item() == pytest.approx(expected, rel=1e-6)


def test_the_gradient_of_the_confidence_loss_is_the_softmax_less_the_top_class():
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log().requires_grad_()
    (gradient,) = torch.autograd.grad(confidence_loss(logits), logits)
    torch.testing.assert_close(gradient, torch.tensor([[-0.5, 0.25, 0.25]]))


def test_the_balance_loss_is_least_where_the_mean_prediction_is_uniform():
    certain_of_one = torch.tensor([[100.0, 0.0], [100.0, 0.0]])
    one_each = torch.tensor([[100.0, 0.0], [0.0, 100.0]])
    three_to_one = torch.tensor([[0.5, 0.5], [1.0, 1e-30]]).log()
    assert balance_loss(certain_of_one).item() == pytest.approx(0, abs=1e-6)
    assert balance_loss(one_each).item() == pytest.approx(-math.log(2))
    assert balance_loss(three_to_one).item() == pytest.approx(0.75 * math.log(0.75) + 0.25 * math.log(0.25))


def test_the_balance_loss_has_a_finite_gradient_where_a_class_is_out_of_reach():
    logits = torch.tensor([[0.0, -300.0, 1.0], [2.0, -400.0, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(balance_loss(logits), logits)
    (expected,) = torch.autograd.grad(balance_loss(doubled := logits.double()), doubled)
    assert gradient.isfinite().all()
    torch.testing.assert_close(gradient, expected.float())


@pytest.mark.parametrize("balance", [0.0, 0.7])
def test_a_generator_step_is_one_step_of_adam_on_the_loss_through_the_clone(balance):
    strategy, clone = strategy_of(balance=balance, generator_lr=0.01), perceptron(seed=3)
    vectors, reference = strategy.vectors[:4], copy.deepcopy(strategy.generator)
    probabilities = torch.softmax(clone(squash(reference(vectors), SPEC)), 1)
    mean = probabilities.mean(0)
    loss = -probabilities.max(1).values.log().mean() + balance * (mean * mean.log()).sum()
    gradients = torch.autograd.grad(loss, list(reference.parameters()))
    strategy.generator_step(vectors, clone)
    for ours, before, gradient in zip(strategy.generator.parameters(), reference.parameters(), gradients, strict=True):
        first_step = 0.01 * gradient / (gradient.abs() + 1e-8)  # Adam's bias-corrected first step
        clear = gradient.abs() > 1e-5  # the sign of a gradient that is rounding noise is nobody's
        torch.testing.assert_close(ours[clear], (before - first_step)[clear], rtol=1e-4, atol=1e-5)


def test_generator_steps_make_the_clone_more_confident_and_leave_it_as_it_is():
    strategy, clone = strategy_of(generator_steps=30, generator_lr=0.01), convolutional(SPEC, seed=3)
    clone[-1].weight.data *= 20  # so that inputs matter
    before = copy.deepcopy(clone.state_dict())
    with torch.no_grad():
        low = confidence_loss(clone.eval()(strategy.queries()))
        clone.train()
    strategy.train_generator(0.5, clone)
    assert clone.training
    assert all(torch.equal(value, before[name]) for name, value in clone.state_dict().items())
    assert all(parameter.grad is None for parameter in clone.parameters())
    with torch.no_grad():
        assert confidence_loss(clone.eval()(strategy.queries())) < 0.7 * low


def test_the_generator_is_not_trained_before_the_first_round_but_before_every_other():
    attack, oracle, _ = built()
    states = [weights_of(attack.strategy.generator)]
    for _ in range(3):
        one_turn(attack, oracle)
        states.append(weights_of(attack.strategy.generator))
    assert same(states[0], states[1])
    assert not same(states[1], states[2])
    assert not same(states[2], states[3])


def test_generator_steps_cost_no_query():
    attack, oracle, ledger = built(generator_steps=50)
    for _ in range(3):
        one_turn(attack, oracle)
    assert ledger.by_purpose == {"train": 30, "explore": 0, "validation": 0}


def test_zero_generator_steps_freeze_the_generator():
    attack, oracle, _ = built(generator_steps=0)
    before = weights_of(attack.strategy.generator)
    first = one_turn(attack, oracle)
    second = one_turn(attack, oracle)
    assert same(before, weights_of(attack.strategy.generator))
    assert torch.equal(first, second)  # fixed noise and a frozen generator ask the same again


def test_fixed_noise_stays_and_fresh_noise_changes_from_the_second_round_on():
    kept = {}
    for noise in ("fixed", "fresh"):
        attack, oracle, _ = built(noise=noise)
        kept[noise] = [attack.strategy.vectors]
        for _ in range(3):
            one_turn(attack, oracle)
            kept[noise].append(attack.strategy.vectors)
    assert all(torch.equal(kept["fixed"][0], later) for later in kept["fixed"])
    assert torch.equal(kept["fresh"][0], kept["fixed"][0])
    assert torch.equal(kept["fresh"][0], kept["fresh"][1])
    assert not torch.equal(kept["fresh"][1], kept["fresh"][2])
    assert not torch.equal(kept["fresh"][2], kept["fresh"][3])


def test_a_restart_asks_a_generator_with_new_weights_and_a_new_optimiser_in_every_round():
    attack, oracle, _ = built(noise="restart", generator_steps=0)
    generators, optimizers, queries = [], [], []
    for _ in range(3):
        queries.append(one_turn(attack, oracle))
        generators.append(weights_of(attack.strategy.generator))
        optimizers.append(attack.strategy.optimizer)
    assert same(generators[0], weights_of(strategy_of().generator))  # the first round is as without restarts
    assert not same(generators[0], generators[1])
    assert not same(generators[1], generators[2])
    assert not torch.equal(queries[1], queries[2])
    assert len({id(optimizer) for optimizer in optimizers}) == 3


def test_a_restarted_generator_takes_its_steps_before_it_is_asked():
    weights = {}
    for steps in (0, 2):
        attack, oracle, _ = built(noise="restart", generator_steps=steps)
        for _ in range(2):
            one_turn(attack, oracle)
        weights[steps] = weights_of(attack.strategy.generator)
        moments = attack.strategy.optimizer.state
        assert {int(state["step"]) for state in moments.values()} == ({2} if steps else set())
    assert not same(weights[0], weights[2])


def test_scale_and_shift_learn_at_a_rate_of_their_own_and_start_anew_with_the_generator():
    attack, oracle, _ = built(noise="restart", brightness_lr=0.5, generator_lr=1e-3, generator_steps=1)
    for turn in range(3):
        one_turn(attack, oracle)
        scale, shift = (weight.item() for weight in attack.strategy.generator.scale_and_shift)
        moved = 0.5 if turn else 0.0  # the first step of Adam is as long as its rate
        assert (abs(scale - 1), abs(shift)) == (pytest.approx(moved, rel=1e-3), pytest.approx(moved, rel=1e-3))


def test_every_generator_starts_with_a_shift_of_its_own_where_brightness_is_spread():
    attack, oracle, _ = built(noise="restart", brightness_spread=0.5, generator_steps=3)
    shifts = []
    for _ in range(50):
        one_turn(attack, oracle)
        scale, shift = (weight.item() for weight in attack.strategy.generator.scale_and_shift)
        shifts.append(shift)
        assert scale == 1  # without a rate nothing of it learns
    assert torch.tensor(shifts).std().item() == pytest.approx(0.5, rel=0.3)
    assert torch.tensor(shifts).mean().abs() < 0.25


def test_without_a_rate_for_them_the_generator_has_neither_scale_nor_shift():
    attack, _, _ = built()
    assert attack.strategy.generator.scale_and_shift == []
    assert len(attack.strategy.optimizer.param_groups) == 1


def test_the_rate_of_scale_and_shift_falls_at_the_milestones_too():
    attack, oracle, _ = built(budget=40, brightness_lr=0.5, milestones=[0.5], lr_factor=0.1, generator_lr=0.02)
    rates = []
    while oracle.remaining:
        one_turn(attack, oracle)
        rates.append([group["lr"] for group in attack.strategy.optimizer.param_groups])
    assert rates[1:] == [pytest.approx(row) for row in ([0.02, 0.5], [2e-3, 0.05], [2e-3, 0.05])]


def test_each_query_is_the_image_of_its_noise_vector():
    strategy = strategy_of()
    first = squash(strategy.generator(strategy.vectors[:4]), SPEC)  # 10 vectors: batches of 4, 3 and 3
    torch.testing.assert_close(strategy.queries()[:4], first)


@pytest.mark.parametrize("budget", [1, 9, 10, 11, 34])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    attack, oracle, ledger = built(budget=budget)
    assert spend_all(attack, oracle) == -(-budget // 10)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


def test_a_ragged_last_round_asks_the_first_of_the_queries_it_would_have_asked():
    (cut, cut_oracle, _), (whole, whole_oracle, _) = built(budget=13), built(budget=20)
    for attack, oracle in ((cut, cut_oracle), (whole, whole_oracle)):
        one_turn(attack, oracle)
    ragged, full = one_turn(cut, cut_oracle), one_turn(whole, whole_oracle)
    assert len(ragged) == 3
    assert torch.equal(ragged, full[:3])


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel])
def test_a_step_of_the_clone_is_one_step_of_adam_on_cross_entropy(channel):
    inputs, response = answered(channel, rows=4)
    learner, reference = learner_of(channel=channel, max_epochs=1), perceptron()
    targets = response.probabilities if channel is ProbabilityChannel else torch.eye(10)[response.labels]
    loss = -(targets * torch.log_softmax(reference(inputs), 1)).sum(1).mean()
    gradients = torch.autograd.grad(loss, list(reference.parameters()))
    learner.learn(inputs, response)
    for ours, before, gradient in zip(learner.clone.parameters(), reference.parameters(), gradients, strict=True):
        clear = gradient.abs() > 1e-5
        step = 0.01 * gradient / (gradient.abs() + 1e-8)
        torch.testing.assert_close(ours[clear], (before - step)[clear], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("losses", "patience", "passes"),
    [
        ([1.0, 0.8, 0.75, 0.1], 1, 3),  # 0.75 is less than 0.1 below 0.8
        ([1.0, 0.8, 0.75, 0.1, 0.1, 0.1, 0.1], 2, 6),
        ([1.0, 0.95, 0.91, 0.85, 0.0], 3, 4),  # crumbs count against the lowest loss, 0.91
        ([1.0, 1.1, 1.2, 0.0], 2, 3),
        ([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0], 1, 7),  # the cap
    ],
)
def test_a_round_ends_once_the_loss_stops_falling(monkeypatch, losses, patience, passes):
    learner, (inputs, response) = learner_of(max_epochs=7, tolerance=0.1, patience=patience), answered()
    left = list(losses)
    monkeypatch.setattr(learner, "_pass", lambda inputs, targets: left.pop(0))
    learner.learn(inputs, response)
    assert len(losses) - len(left) == passes


def test_a_clone_that_can_fit_the_answers_stops_long_before_the_cap():
    inputs, response = answered(rows=32)
    learner = learner_of(max_epochs=10_000, tolerance=1e-3, patience=3)
    count = []
    one_pass = learner._pass
    learner._pass = lambda *arguments: count.append(one_pass(*arguments)) or count[-1]
    learner.learn(inputs, response)
    assert 5 < len(count) < 500
    assert count[-1] < 0.1 * count[0]
    with torch.no_grad():
        assert torch.equal(learner.clone(inputs).argmax(1), response.labels)


def test_the_clone_goes_on_from_where_it_was():
    inputs, response = answered()
    learner = learner_of(milestones=(0.5,), lr_factor=0.0)
    learner.learn(inputs, response)
    learnt = weights_of(learner.clone)
    learner.learn(inputs, Response(response.labels, progress=0.6))  # at a rate of 0
    assert same(learnt, weights_of(learner.clone))
    assert not same(learnt, weights_of(perceptron()))


def test_both_rates_fall_at_the_milestones():
    attack, oracle, _ = built(budget=40, milestones=[0.5], lr_factor=0.1, clone_lr=0.01, generator_lr=0.02)
    rates = []
    while oracle.remaining:
        one_turn(attack, oracle)
        parts = attack.learner, attack.strategy
        rates.append([part.optimizer.param_groups[0]["lr"] for part in parts])
    assert rates == [pytest.approx(row) for row in ([0.01, 0.02], [1e-3, 0.02], [1e-3, 2e-3], [1e-3, 2e-3])]


def test_the_rate_of_a_generator_that_starts_anew_does_not_fall():
    attack, oracle, _ = built(budget=40, noise="restart", milestones=[0.5], lr_factor=0.1, generator_lr=0.02)
    while oracle.remaining:
        one_turn(attack, oracle)
        assert attack.strategy.optimizer.param_groups[0]["lr"] == 0.02


def test_without_memory_nothing_is_kept():
    attack, oracle, _ = built()
    for _ in range(3):
        one_turn(attack, oracle)
    assert len(attack.learner.memory) == 0


def test_a_memory_that_is_large_enough_keeps_everything_in_pairs():
    memory = Memory(30, torch.Generator().manual_seed(0))
    for start in (0, 10, 20):
        values = torch.arange(start, start + 10.0)
        memory.add(values[:, None], 2 * values)
    inputs, targets = memory.mixed_with(torch.full((30, 1), -1.0), torch.full((30,), -2.0))
    assert sorted(inputs.flatten().tolist()) == [-1.0] * 30 + [float(value) for value in range(30)]
    assert torch.equal(targets, 2 * inputs.flatten())


def test_a_full_memory_is_a_uniform_sample_of_all_that_was_added():
    counts = torch.zeros(100)
    for seed in range(400):
        memory = Memory(20, torch.Generator().manual_seed(seed))
        for part in torch.arange(100.0).split(10):
            memory.add(part[:, None], part)
        assert len(memory) == 20
        counts[memory._kept[1].long()] += 1
    by_round = counts.view(10, 10).sum(1) / 400  # expected: 2 of each round of 10
    assert by_round.sub(2).abs().max() < 0.35
    assert counts.std() < 2 * (400 * 0.2 * 0.8) ** 0.5


def test_a_pass_visits_no_more_remembered_answers_than_new_ones():
    memory = Memory(100, torch.Generator().manual_seed(0))
    memory.add(torch.zeros(50, 1), torch.zeros(50))
    inputs, _ = memory.mixed_with(torch.ones(8, 1), torch.ones(8))
    assert (int((inputs == 1).sum()), int((inputs == 0).sum())) == (8, 8)


@pytest.mark.parametrize("soft", [False, True])
def test_a_memory_by_class_visits_a_rare_class_as_often_as_a_common_one(soft):
    labels = torch.tensor([0] * 97 + [3] * 3)
    memory = Memory(100, torch.Generator().manual_seed(0), by_class=True)
    memory.add(labels[:, None].float(), torch.eye(5)[labels] * 0.6 + 0.08 if soft else labels)
    nothing = torch.full((50, 1), -1.0), torch.full((50, 5) if soft else (50,), 0)
    drawn = torch.cat([memory.mixed_with(*nothing)[0][50:, 0] for _ in range(40)])
    assert len(drawn) == 2000
    assert (drawn == 3).float().mean().item() == pytest.approx(0.5, abs=0.04)  # 3.6 standard errors
    assert set(drawn.tolist()) == {0.0, 3.0}


@pytest.mark.parametrize(("balance", "share"), [(0.0, 0.1), (1.0, 0.5)])
def test_a_class_balance_term_goes_with_a_memory_that_is_balanced_too(balance, share):
    attack, _, _ = built(memory=100, balance=balance)
    memory = attack.learner.memory
    memory.add(torch.rand(100, *SPEC.shape), torch.tensor([0] * 90 + [1] * 10))
    visited = [memory.mixed_with(torch.rand(100, *SPEC.shape), torch.zeros(100))[1][100:] for _ in range(10)]
    assert torch.cat(visited).float().mean().item() == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel])
def test_the_diagnostics_tell_confidence_and_agreement_on_the_last_round(channel):
    attack, oracle, _ = built(channel=channel)
    assert attack.strategy.diagnostics() == {}
    queries = attack.strategy.propose(oracle, attack.learner.clone)
    response = oracle.query(queries)
    attack.learner.learn(queries, response)
    attack.strategy.observe(queries, response, attack.learner.clone)
    with torch.no_grad():
        probabilities = torch.softmax(attack.learner.clone(queries), 1)
    expected = {
        "clone_confidence": probabilities.max(1).values.mean().item(),
        "clone_agreement": (probabilities.argmax(1) == response.labels).float().mean().item(),
    }
    if channel is ProbabilityChannel:
        expected["victim_confidence"] = response.probabilities.max(1).values.mean().item()
    assert attack.strategy.diagnostics() == pytest.approx(expected)


@pytest.mark.parametrize("noise", ["fixed", "fresh", "restart"])
@pytest.mark.parametrize(("memory", "balance", "brightness"), [(0, 0.0, 0.0), (12, 0.0, 0.0), (12, 1.0, 0.2)])
def test_an_attack_goes_on_from_its_state_bit_for_bit(noise, memory, balance, brightness):
    added = {
        "noise": noise,
        "memory": memory,
        "balance": balance,
        "brightness_lr": brightness,
        "brightness_spread": brightness,
    }
    (first, oracle, _), (second, again, _) = (built(**added) for _ in range(2))
    for _ in range(2):
        one_turn(first, oracle)
    for ours, theirs in ((first.strategy, second.strategy), (first.learner, second.learner)):
        theirs.load_state_dict(copy.deepcopy(ours.state_dict()))
    for name in ("_noise", "_batches", "_weights"):
        getattr(second.strategy, name).set_state(getattr(first.strategy, name).get_state())
    second.learner.random.set_state(first.learner.random.get_state())
    for _ in range(2):
        assert torch.equal(one_turn(first, oracle), one_turn(second, again))
    assert same(weights_of(first.learner.clone), weights_of(second.learner.clone))
    assert first.strategy.diagnostics() == second.strategy.diagnostics()
