import copy

import pytest
import torch
from mebench_knockoff.bandit import Answered, GradientBandit, Surprise, certainty, diversity, loss
from mebench_knockoff.clusters import group_pool, k_means
from toys import build_attack, context_of, one_turn, oracle_of, perceptron, pool_of, spend_all

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.data.dataset import Dataset
from mebench.data.pools import DatasetPool
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.parameters import FitParameters
from mebench.toolkit.schedules import step_schedule

QUICK = {"epochs": 2, "batch_size": 16, "clusters": 4, "turn_size": 5}


def knockoff(channel, budget=40, pool=None, **parameters):
    context = context_of(channel, perceptron(seed=2), budget=budget, pool=pool or pool_of())
    return build_attack("knockoff", context, **({**QUICK, "policy": "adaptive"} | parameters))


def answered(victim, clone=None, past=None):
    zeros = [0.0] * len(victim)
    parts = (victim, clone or zeros, past or zeros)
    return Answered(*(torch.tensor(part, dtype=torch.float64) for part in parts))


def test_certainty_is_the_margin_of_the_two_most_probable_classes():
    assert certainty(answered([0.2, 0.5, 0.3])) == pytest.approx(0.2)
    assert certainty(answered([0.0, 1.0, 0.0])) == 1


def test_diversity_adds_up_what_an_answer_gives_above_the_recent_mean():
    assert diversity(answered([0.1, 0.6, 0.3], past=[0.5, 0.3, 0.2])) == pytest.approx(0.4)
    assert diversity(answered([0.5, 0.5, 0.0], past=[0.5, 0.5, 0.0])) == 0


def test_the_loss_reward_is_the_cross_entropy_that_torch_computes():
    logits, victim = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[0.2, 0.7, 0.1]])
    clone = torch.log_softmax(logits, 1)[0].tolist()
    expected = torch.nn.functional.cross_entropy(logits, victim).item()
    assert loss(answered(victim[0].tolist(), clone)) == pytest.approx(expected)
    assert loss(answered([1.0, 0.0, 0.0], [float("nan")] * 3)) == 0


def test_a_reward_counts_by_its_distance_from_the_recent_mean_in_units_of_the_recent_range():
    surprise = Surprise(window=2)
    assert surprise.of([5.0]) == 0
    assert surprise.of([3.0]) == -1  # (3 - 5) / (5 - 3)
    assert surprise.of([4.5]) == pytest.approx(0.25)  # (4.5 - 4) / (5 - 3)
    assert surprise.of([4.5]) == pytest.approx(0.5)  # the 5 is forgotten: (4.5 - 3.75) / (4.5 - 3)


def test_each_reward_has_a_scale_of_its_own_and_equal_ones_say_nothing():
    surprise = Surprise(window=9)
    surprise.of([0.0, 100.0, 7.0])
    surprise.of([1.0, 300.0, 7.0])
    assert surprise.of([1.0, 0.0, 7.0]) == pytest.approx(0.5 + (0 - 200) / 300)


def test_the_bandit_moves_potentials_as_section_4_2_says():
    bandit = GradientBandit(3)
    bandit.update(1, 0.6)
    assert bandit.potentials.tolist() == pytest.approx([-0.2, 0.4, -0.2])
    first = torch.softmax(torch.tensor([-0.2, 0.4, -0.2], dtype=torch.float64), 0).tolist()
    assert bandit.probabilities().tolist() == pytest.approx(first)
    bandit.update(1, -1.0)  # the second time at half the rate
    expected = [-0.2 + first[0] / 2, 0.4 - (1 - first[1]) / 2, -0.2 + first[2] / 2]
    assert bandit.potentials.tolist() == pytest.approx(expected)


def test_the_bandit_step_is_the_gradient_of_the_mean_reward():
    potentials = torch.tensor([0.3, -0.4, 1.1], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(0.7 * torch.log_softmax(potentials, 0)[2], potentials)
    bandit = GradientBandit(3)
    bandit.potentials = potentials.detach().clone()
    bandit.update(2, 0.7)
    torch.testing.assert_close(bandit.potentials - potentials.detach(), expected)


def test_an_action_that_is_paid_better_is_taken_more_often():
    bandit, surprise, random = GradientBandit(3), Surprise(25), torch.Generator().manual_seed(0)
    for _ in range(300):
        action = int(torch.multinomial(bandit.probabilities(), 1, generator=random))
        bandit.update(action, surprise.of([1.0 if action == 2 else 0.0]))
    assert bandit.probabilities()[2] > 0.5


def test_an_action_that_is_not_available_has_no_probability():
    bandit = GradientBandit(3)
    bandit.update(0, 5.0)
    assert bandit.probabilities(torch.tensor([False, True, True])).tolist() == pytest.approx([0, 0.5, 0.5])


def test_k_means_ends_where_scikit_learn_ends():
    from sklearn.cluster import KMeans

    points = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)) + 4 * torch.randint(
        3, (200, 1), generator=torch.Generator().manual_seed(1)
    )
    reference = KMeans(3, init=points[:3].numpy(), n_init=1, max_iter=25, tol=0, algorithm="lloyd").fit(points.numpy())
    ours = k_means(points, points[:3])
    torch.testing.assert_close(ours, torch.from_numpy(reference.cluster_centers_), rtol=1e-4, atol=1e-4)


def test_a_centre_without_points_stays_where_it_is():
    centres = k_means(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [50.0]]))
    assert centres.tolist() == [[1.0], [50.0]]


def test_clusters_are_all_rows_of_the_pool_each_once():
    groups = group_pool(pool_of(60), 7, torch.Generator().manual_seed(0))
    assert all(len(group) for group in groups)
    assert sorted(torch.cat(groups).tolist()) == list(range(60))
    assert sum(map(len, group_pool(pool_of(3), 7, torch.Generator()))) == 3


def test_clusters_part_dark_from_bright_images_without_their_labels():
    images = torch.cat([torch.full((9, 1, 8, 8), 20), torch.full((5, 1, 8, 8), 200)]).to(torch.uint8)
    pool = DatasetPool(Dataset("two", images, torch.zeros(14, dtype=torch.int64), 2, "made"))
    for seed in range(8):  # seeds whose first two images are alike find one group
        groups = group_pool(pool, 2, torch.Generator().manual_seed(seed))
        found = sorted(sorted(group.tolist()) for group in groups)
        assert found in ([list(range(9)), list(range(9, 14))], [list(range(14))])


def test_what_the_policy_asks_does_not_depend_on_the_labels_of_the_pool():
    asked = []
    for labels in (None, torch.arange(60) % 10):
        attack = knockoff(ProbabilityChannel(), pool=pool_of(labels=labels))
        oracle, _ = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=40)
        asked.append(torch.cat([one_turn(attack, oracle) for _ in range(8)]))
    assert torch.equal(*asked)


@pytest.mark.parametrize("policy", ["random", "adaptive"])
@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
@pytest.mark.parametrize("budget", [1, 13, 40])
def test_the_budget_is_spent_to_the_query_and_no_image_is_asked_twice(policy, channel, budget):
    attack = knockoff(channel, budget, policy=policy)
    oracle, ledger = oracle_of(perceptron(seed=1), channel, budget=budget)
    asked = []
    while oracle.remaining:
        asked.append(one_turn(attack, oracle))
    assert ledger.spent == budget
    assert len(torch.cat(asked).flatten(1).unique(dim=0)) == budget


def test_an_exhausted_pool_is_asked_whole_and_then_nothing_is_proposed():
    attack = knockoff(ProbabilityChannel(), budget=1000, pool=pool_of(23))
    oracle, ledger = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=1000)
    for _ in range(5):
        one_turn(attack, oracle)
    assert ledger.spent == 23
    assert len(attack.strategy.propose(oracle, attack.learner.clone)) == 0


@pytest.mark.parametrize("pool_size", [23, 60])
def test_the_last_clone_is_one_fit_on_all_answers(pool_size):
    channel, pool = ProbabilityChannel(), pool_of(pool_size)
    budget = min(pool_size, 40)
    attack = knockoff(channel, 40, pool=pool)
    oracle, _ = oracle_of(perceptron(seed=1), channel, budget=40)
    queries = torch.cat([one_turn(attack, oracle) for _ in range(-(-budget // 5))])
    context = context_of(channel, perceptron(seed=2))
    parameters = FitParameters(2, 16, "sgd", learning_rate=0.01, momentum=0.5, weight_decay=0.0)
    expected = FitLearner(context, parameters, schedule=step_schedule(1.0, [0.6], 0.1))
    oracle, _ = oracle_of(perceptron(seed=1), channel)
    expected.learn(queries, oracle.query(queries))
    for ours, theirs in zip(attack.learner.clone.parameters(), expected.clone.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)  # the victim's answers depend on batches in their last bits


def test_the_loss_is_measured_before_the_clone_learns_the_answer():
    attack = knockoff(ProbabilityChannel(), rewards="loss", turn_size=1)
    oracle, _ = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=40)
    for _ in range(3):
        before = copy.deepcopy(attack.learner.clone).eval()
        queries = one_turn(attack, oracle)
        told = torch.softmax(perceptron(seed=1)(queries), 1)
        expected = torch.nn.functional.cross_entropy(before(queries), told).item()
        assert attack.strategy.surprise.past[-1] == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize("turns", [1, 4, 7])
def test_a_stopped_trial_goes_on_to_the_same_end(turns):
    def built():
        return knockoff(ProbabilityChannel(), window=3), oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=40)

    (whole, (oracle, _)), (again, (other, ledger)) = built(), built()
    for _ in range(turns):
        one_turn(whole, oracle)
    again.strategy.load_state_dict(copy.deepcopy(whole.strategy.state_dict()))
    again.learner.load_state_dict(copy.deepcopy(whole.learner.state_dict()))
    again.strategy.random.set_state(whole.strategy.random.get_state())
    again.learner.random.set_state(whole.learner.random.get_state())
    ledger.charge(oracle.spent, "train")
    for _ in range(8 - turns):
        assert torch.equal(one_turn(whole, oracle), one_turn(again, other))
    for ours, theirs in zip(whole.learner.clone.parameters(), again.learner.clone.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_diagnostics_tell_how_far_the_policy_is_from_uniform():
    strategy = knockoff(LabelChannel()).strategy
    count = len(strategy.groups)
    assert strategy.diagnostics() == pytest.approx({"policy_entropy": 1, "policy_largest_share": 1 / count})
    strategy.bandit.update(0, 100.0)
    assert strategy.diagnostics() == pytest.approx({"policy_entropy": 0, "policy_largest_share": 1}, abs=1e-9)
    assert knockoff(LabelChannel(), clusters=1).strategy.diagnostics()["policy_entropy"] is None


def test_random_and_adaptive_need_a_pool():
    for policy in ("random", "adaptive"):
        with pytest.raises(ConfigurationError, match="give the run a `pool:`"):
            build_attack("knockoff", context_of(LabelChannel(), perceptron()), policy=policy)


def test_the_adaptive_policy_refuses_texts_in_a_line():
    spec = InputSpec((8,), 2, high=50, dtype=torch.int64)
    context = context_of(LabelChannel(), perceptron(), spec=spec, pool=pool_of())
    with pytest.raises(ConfigurationError, match="use `policy: random`"):
        build_attack("knockoff", context, policy="adaptive")


def test_the_random_policy_fits_once():
    attack = knockoff(LabelChannel(), policy="random")
    oracle, _ = oracle_of(perceptron(seed=1), LabelChannel(), budget=40)
    assert spend_all(attack, oracle) == 1
