import contextlib

import pytest
import torch
from toys import SPEC, Counting, oracle_of, perceptron

from mebench.api import progress
from mebench.api.errors import BudgetExceededError, InvalidQueryError, NotFiniteQueryError, OracleError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.entries import ExplainedParameters
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.facade import AttackersOracle
from mebench.oracle.ledger import QueryLedger

NAN = float("nan")


@pytest.fixture
def network():
    return Counting(perceptron())


def test_every_row_is_one_query(network):
    oracle, ledger = oracle_of(network, LabelChannel(), budget=10)
    oracle.query(torch.rand(3, 1, 8, 8))
    oracle.query(torch.rand(4, 1, 8, 8), purpose="explore")
    assert ledger.by_purpose == {"train": 3, "explore": 4, "validation": 0}
    assert (oracle.spent, oracle.remaining) == (7, 3)


def test_a_request_of_one_query_too_many_never_reaches_the_victim(network):
    oracle, ledger = oracle_of(network, LabelChannel(), budget=10)
    oracle.query(torch.rand(7, 1, 8, 8))
    with pytest.raises(BudgetExceededError, match="toy: asked 4 queries with 3 of 10 left"):
        oracle.query(torch.rand(4, 1, 8, 8))
    assert network.rows == 7
    assert (ledger.spent, ledger.refusals) == (7, 1)


def test_the_budget_can_be_spent_to_the_last_query(network):
    oracle, _ = oracle_of(network, LabelChannel(), budget=10)
    oracle.query(torch.rand(10, 1, 8, 8))
    assert oracle.remaining == 0
    assert len(oracle.query(torch.rand(0, 1, 8, 8))) == 0


def huge(rows):
    """A tensor of so many rows, in the memory of one."""
    return torch.full((1, 1, 8, 8), NAN).expand(rows, 1, 8, 8)


@pytest.mark.parametrize("rows", [11, 10**12, 2**57 - 1])
def test_rows_beyond_the_budget_are_refused_before_any_of_them_is_looked_at(network, rows):
    oracle, ledger = oracle_of(network, LabelChannel(), budget=10)
    with pytest.raises(BudgetExceededError, match=f"asked {rows:,} queries with 10 of 10 left"):
        oracle.query(huge(rows))
    assert (ledger.spent, ledger.refusals, network.rows) == (0, 1, 0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.rand(2, 1, 8, 8).to_sparse(), "torch.sparse_coo"),
        (lambda: torch.empty(10**12, 1, 8, 8, device="meta"), "on meta"),
        (lambda: torch.nested.nested_tensor([torch.rand(1, 8, 8)]), "nested"),
        (lambda: torch.zeros(1).expand(2, 10**9, 10**6), "shape"),
        (lambda: torch.zeros(()), "shape"),
        (lambda: torch.nn.Parameter(torch.rand(2, 1, 8, 8)), "Parameter"),
        (lambda: [[0.0]], "list"),
        (lambda: torch.rand(2, 1, 8, 8).numpy(), "ndarray"),
        (lambda: None, "NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_is_no_plain_tensor_of_the_right_form_is_refused_before_its_rows_are_counted(network, make, words):
    oracle, ledger = oracle_of(network, LabelChannel(), budget=1)
    with pytest.raises(InvalidQueryError, match=f"toy: asked .*{words}"):
        oracle.query(make())
    assert (ledger.spent, ledger.refusals, network.rows) == (0, 0, 0)


def test_a_purpose_that_is_none_is_refused_and_costs_nothing(network):
    oracle, ledger = oracle_of(network, LabelChannel())
    with pytest.raises(OracleError, match="toy: asked for the purpose 'fun'; there are train, explore, validation"):
        oracle.query(torch.rand(2, 1, 8, 8), purpose="fun")
    assert ledger.spent == 0


@pytest.mark.parametrize(
    "weights", [torch.ones(1).expand(10**12, 10), torch.ones(10), None], ids=["rows", "one row", "none"]
)
def test_weights_of_an_explanation_that_do_not_fit_are_refused_before_they_are_looked_at(network, weights):
    oracle, _ = oracle_of(perceptron(), VanillaGradientChannel())
    explanation = AttackersOracle(oracle, oracle.channel).query(torch.rand(2, 1, 8, 8), explain=True).explanation
    with pytest.raises(OracleError, match=r"must be a tensor of shape \(2, 10\), not"):
        explanation.vjp(weights)


def test_who_asks_on_and_on_what_is_refused_has_its_trial_ended_and_gives_no_sign_of_life(network, monkeypatch):
    ends, signs = [], []
    monkeypatch.setattr(progress, "_end", ends.append)
    monkeypatch.setattr(progress, "_hear", lambda: signs.append(1))
    oracle, _ = oracle_of(network, LabelChannel(), budget=10)
    for _ in range(999):
        with contextlib.suppress(BaseException):
            oracle.query(torch.rand(11, 1, 8, 8))
    assert (ends, signs) == ([], [])
    oracle.query(torch.rand(1, 1, 8, 8))  # an answer: it is counted anew
    for number in range(1000):
        with contextlib.suppress(BaseException):
            oracle.query(torch.rand(10 if number % 2 else 1, 1, 8, 9))
    assert ends == ["toy: asked 1,000 times in a row what was refused, and went on asking"]
    assert signs == [1]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (torch.rand(2, 1, 8, 9), "shape"),
        (torch.rand(1, 8, 8), "shape"),
        (torch.rand(2, 1, 8, 8).double(), "float64"),
        (torch.rand(2, 1, 8, 8) + 1.0001, "outside"),
        (torch.full((2, 1, 8, 8), -1e-6), "outside"),
        (torch.full((2, 1, 8, 8), float("nan")), "NaN"),
        (torch.rand(2, 1, 8, 8).index_fill(0, torch.tensor(1), float("nan")), "NaN"),
        (torch.full((2, 1, 8, 8), float("inf")), "outside"),
    ],
)
def test_an_input_outside_the_spec_is_an_error_that_names_the_attack_and_costs_nothing(network, inputs, words):
    oracle, ledger = oracle_of(network, LabelChannel())
    with pytest.raises(InvalidQueryError, match=words) as caught:
        oracle.query(inputs)
    assert "toy" in str(caught.value)
    assert network.rows == ledger.spent == 0


def test_the_bounds_of_the_range_are_inside(network):
    oracle, _ = oracle_of(network, LabelChannel())
    oracle.query(torch.stack([torch.zeros(SPEC.shape), torch.ones(SPEC.shape)]))
    assert network.rows == 2


def test_explanations_are_the_same_query_and_counted_on_their_own(network):
    oracle, ledger = oracle_of(network, VanillaGradientChannel())
    oracle.query(torch.rand(3, 1, 8, 8), explain=True)
    oracle.query(torch.rand(2, 1, 8, 8))
    assert (ledger.spent, ledger.explanations, ledger.explained_classes) == (5, 3, 30)


def test_a_top_1_explanation_counts_one_class(network):
    oracle, ledger = oracle_of(network, VanillaGradientChannel(ExplainedParameters(classes="top-1")))
    oracle.query(torch.rand(3, 1, 8, 8), explain=True)
    assert ledger.explained_classes == 3


def test_a_channel_without_explanations_refuses_to_explain(network):
    oracle, ledger = oracle_of(network, ProbabilityChannel())
    with pytest.raises(OracleError, match="probability gives no explanations"):
        oracle.query(torch.rand(3, 1, 8, 8), explain=True)
    assert ledger.spent == 0


def test_no_gradient_flows_through_the_oracle(network):
    oracle, _ = oracle_of(network, VanillaGradientChannel())
    inputs = torch.rand(3, 1, 8, 8, requires_grad=True)
    for explain in (False, True):
        assert not oracle.query(inputs, explain=explain).probabilities.requires_grad


def test_the_answer_tells_how_much_of_the_budget_is_spent(network):
    oracle, _ = oracle_of(network, LabelChannel(), budget=8)
    assert oracle.query(torch.rand(2, 1, 8, 8)).progress == 0.25


def test_a_victim_stays_frozen_and_in_eval_mode():
    oracle_network = perceptron()
    oracle_of(oracle_network, LabelChannel())
    assert not oracle_network.training
    assert not any(parameter.requires_grad for parameter in oracle_network.parameters())


def test_the_ledger_goes_on_from_its_state():
    ledger = QueryLedger(100)
    ledger.charge(7, "explore")
    other = QueryLedger(100)
    other.load_state_dict(ledger.state_dict())
    ledger.charge(1, "explore")
    assert (other.budget, other.spent) == (100, 7)


@pytest.mark.parametrize(
    "change",
    [
        {"budget": 200},
        {"by_purpose": {"train": 7}},
        {"by_purpose": {"train": 0, "explore": -1, "validation": 0}},
        {"by_purpose": {"train": 101, "explore": 0, "validation": 0}},
        {"explanations": "7"},
        {"victim_forward": 1.5},
    ],
    ids=str,
)
def test_a_ledger_does_not_go_on_from_an_account_that_cannot_be(change):
    ledger = QueryLedger(100)
    with pytest.raises(ValueError, match="ledger"):
        ledger.load_state_dict(ledger.state_dict() | change)


def test_the_victims_cost_is_counted_in_rows_as_they_are_computed(network):
    oracle, ledger = oracle_of(network, VanillaGradientChannel())
    oracle.query(torch.rand(3, 1, 8, 8))
    assert (ledger.victim_forward, ledger.victim_backward) == (3, 0)
    explanation = oracle.query(torch.rand(4, 1, 8, 8), explain=True).explanation
    assert (ledger.victim_forward, ledger.victim_backward) == (7, 0)  # an explanation that nobody looks at is free
    explanation.vjp(torch.ones(4, 10))
    assert ledger.victim_backward == 4
    explanation.dense()
    assert ledger.victim_backward == 4 + 4 * 10
    assert network.rows == ledger.victim_forward == 7


def test_a_refused_request_costs_the_victim_nothing(network):
    oracle, ledger = oracle_of(network, LabelChannel(), budget=2)
    with pytest.raises(BudgetExceededError):
        oracle.query(torch.rand(3, 1, 8, 8))
    assert (ledger.victim_forward, ledger.victim_backward) == (0, 0)


@pytest.mark.parametrize(
    ("batches", "error"),
    [
        ([(0.0, 1.0), (0.2, 0.3)], None),
        ([(0.0, 1.0), (NAN, NAN), (0.2, 0.3)], NotFiniteQueryError),
        ([(0.1, float("inf"))], NotFiniteQueryError),
        ([(-0.1, 0.5), (0.2, 0.3)], InvalidQueryError),
        ([(0.1, 1.1), (0.2, 0.3)], InvalidQueryError),
    ],
)
def test_where_checks_do_not_wait_what_they_found_is_raised_later(network, monkeypatch, batches, error):
    """On a CPU that is taken for an accelerator."""
    oracle, _ = oracle_of(network, LabelChannel())
    monkeypatch.setattr("mebench.oracle.oracle._reads_at_once", lambda device: False)
    extremes = iter(batches)
    monkeypatch.setattr(torch, "aminmax", lambda _: map(torch.tensor, next(extremes)))
    for _ in batches:
        oracle.query(torch.rand(2, 1, 8, 8))
    if error is None:
        oracle.raise_pending()
    else:
        with pytest.raises(error, match="or NaN; queries are never clipped") as caught:
            oracle.raise_pending()
        assert type(caught.value) is error


def test_every_question_is_a_sign_of_life(network, monkeypatch):
    heard = []
    monkeypatch.setattr(progress, "_hear", lambda: heard.append(1))
    oracle, _ = oracle_of(network, LabelChannel(), budget=10)
    for _ in range(3):
        oracle.query(torch.rand(2, 1, 8, 8))
    assert len(heard) == 3


@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
def test_a_large_request_reaches_the_victim_in_parts_and_is_answered_as_one(channel):
    seen, network = [], perceptron()
    network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    oracle, ledger = oracle_of(network, channel)
    inputs = torch.rand(2500, 1, 8, 8)
    response = oracle.query(inputs)
    assert seen == [1024, 1024, 452]
    assert ledger.spent == ledger.victim_forward == 2500
    assert response.labels.equal(network(inputs).argmax(1))
