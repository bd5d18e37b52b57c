"""The detectors that ship with mebench: streams with a known answer, other batches, a stop half way, plain twins."""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch
from mebench_detectors.energy import kolmogorov_smirnov
from mebench_detectors.hoda import hardness
from mebench_detectors.memory import Memory
from toys import SPEC, perceptron

from mebench import (
    ConfigurationError,
    DetectorEntry,
    InputSpec,
    OwnersContext,
    OwnersData,
    RandomStreams,
    Response,
    Victim,
)
from mebench.models.state_file import load_state, save_state
from mebench.oracle.channels.answers import LabelChannel
from mebench.registry.catalogue import registry

CPU = torch.device("cpu")
VICTIM = Victim(perceptron(scale=4.0), SPEC)
QUICK = {
    "prada": {},
    "near-duplicates": {"window": 20, "memory": 50},
    "seat": {"epochs": 1, "width": 4},
    "hoda": {"window": 20, "epochs": 4, "checkpoints": 3},
    "mmd": {"window": 20},
    "energy": {"window": 20},
    "label-histogram": {"window": 20},
    "extraction-monitor": {"every": 30},
}


def images(count, seed):
    """Independent patterns: nothing of them is near anything else."""
    return torch.rand(count, *SPEC.shape, generator=torch.Generator().manual_seed(seed))


def bright(count, seed):
    """Images that none of the owner's looks like."""
    return (images(count, seed) * 0.2 + 0.8).clamp(0, 1)


def context(data=True):
    inputs = images(200, 1)
    owned = OwnersData(inputs, VICTIM(inputs).argmax(1)) if data else None
    streams = RandomStreams(0, CPU)
    return OwnersContext(
        SPEC, LabelChannel(), VICTIM, lambda seed: perceptron(seed=seed), owned, b"k" * 32, CPU, streams
    )


def detector_of(name, fitted=None, **parameters):
    made = registry().get(DetectorEntry, name).call(context(), given=QUICK[name] | parameters)
    made.use(made.fit() if fitted is None else fitted)
    return made


@pytest.fixture(scope="module")
def fitted():
    """What each detector has learnt; once."""
    return {name: registry().get(DetectorEntry, name).call(context(), given=QUICK[name]).fit() for name in QUICK}


def answer(queries):
    return Response(VICTIM(queries).argmax(1))


def scores(watch, queries, batches=(10_000,)):
    """The running scores of a stream that comes in batches of these sizes, over and over."""
    found, sizes = [torch.empty(0, dtype=torch.float64)], itertools.cycle(batches)
    labels = answer(queries).labels
    while len(queries):
        size = next(sizes)
        found.append(watch.score(queries[:size], Response(labels[:size])))
        queries, labels = queries[size:], labels[size:]
    return torch.cat(found)


def twice(queries):
    return queries.repeat_interleave(2, 0)


STREAMS = {"new": images(160, 7), "every one twice": twice(images(80, 8)), "bright": bright(160, 9)}


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("stream", STREAMS)
def test_scores_do_not_depend_on_batches(name, stream, fitted):
    detector = detector_of(name, fitted[name])
    whole = scores(detector.client(), STREAMS[stream])
    assert whole.dtype == torch.float64
    for batches in ((1,), (7, 1, 30)):
        assert torch.equal(scores(detector.client(), STREAMS[stream], batches).nan_to_num(-1), whole.nan_to_num(-1))


@pytest.mark.parametrize("name", QUICK)
def test_a_watch_that_is_stopped_half_way_goes_on_from_its_file_to_the_same_scores(name, fitted, tmp_path):
    stream = torch.cat([images(40, 5).repeat(4, 1, 1, 1), twice(images(40, 8)), bright(60, 9)])
    detector = detector_of(name, fitted[name])
    whole = scores(detector.client(), stream)
    for cut in (0, 133):
        first = detector.client()
        scores(first, stream[:cut])
        state = first.state_dict()
        scores(first, stream[cut:])  # a state is no view of what goes on
        save_state(tmp_path / "state", {"watch": state, "fitted": fitted[name]})
        read = load_state(tmp_path / "state")
        second = detector_of(name, read["fitted"]).client()
        second.load_state_dict(read["watch"])
        assert torch.equal(scores(second, stream[cut:]).nan_to_num(-1), whole[cut:].nan_to_num(-1))


@pytest.mark.parametrize("name", QUICK)
def test_what_was_learnt_is_the_same_each_time_and_holds_plain_values_only(name, fitted):
    state = torch.get_rng_state()
    again = registry().get(DetectorEntry, name).call(context(), given=QUICK[name]).fit()
    assert torch.equal(torch.get_rng_state(), state)
    assert flat(again) == flat(fitted[name])


def flat(value):
    """Nested values as text, to be compared."""
    if isinstance(value, dict):
        return {key: flat(one) for key, one in value.items()}
    if isinstance(value, list):
        return [flat(one) for one in value]
    assert isinstance(value, (torch.Tensor, int, float, str))
    return value.tolist() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("name", ["near-duplicates", "hoda", "mmd", "energy", "label-histogram"])
def test_below_its_window_there_is_no_score_and_from_there_on_always_one(name, fitted):
    found = scores(detector_of(name, fitted[name]).client(), images(40, 3))
    assert found[:19].isnan().all()
    assert found[19:].isfinite().all()


@pytest.mark.parametrize("name", ["seat", "hoda", "mmd", "energy", "label-histogram", "extraction-monitor"])
def test_what_needs_the_owners_data_says_so_where_there_are_none(name):
    with pytest.raises(ConfigurationError, match=f"^{name}: needs 20 inputs of the owner's own, and there are none$"):
        registry().get(DetectorEntry, name).call(context(data=False), given=QUICK[name]).fit()


def plain_prada(queries, labels, delta=0.9, sign=-1):
    """The paper's algorithm as a reader would write it down: (query of the first alarm, sizes of growing sets)."""
    sets, let_in, limits, all_of = {}, {}, {}, {}
    alarm = None
    for number, (x, c) in enumerate(
        zip(queries.flatten(1).numpy().astype(np.float64), labels.tolist(), strict=True), 1
    ):
        if c not in sets:
            sets[c], let_in[c], limits[c], all_of[c] = [x], [0.0], 0.0, []
        else:
            d = min(np.sqrt(((x - y) ** 2).sum()) for y in sets[c])
            all_of[c].append(d)
            if d > limits[c]:
                sets[c].append(x)
                let_in[c].append(d)
                limits[c] = max(limits[c], np.mean(let_in[c]) + sign * np.std(let_in[c]))
        if number % 10 == 0 and alarm is None:
            pooled = np.array([d for of in all_of.values() if len(of) >= 10 for d in of])
            if len(pooled) > 100:
                kept = pooled[abs(pooled - pooled.mean()) <= 3 * pooled.std()]
                if len(kept) > 100 and scipy.stats.shapiro(kept).statistic < delta:
                    alarm = number
    return alarm, {c: len(kept) for c, kept in sets.items()}


def first_above(found, threshold):
    above = (found > threshold).nonzero()
    return int(above[0]) + 1 if len(above) else None


def pairs(count, seed):
    first = images(count, seed)
    return torch.stack([first, 0.9 * first], 1).flatten(0, 1)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    "queries",
    [
        images(300, 11),
        twice(images(150, 12)),
        pairs(150, 13),
        torch.cat([images(150, 14), bright(150, 15)]),
        images(300, 16) * torch.linspace(1, 0.05, 300).view(-1, 1, 1, 1),
    ],
    ids=["new", "twice", "pairs", "another kind later", "ever nearer"],
)
@pytest.mark.parametrize("delta", [0.9, 0.97])
def test_prada_alarms_where_a_plain_twin_does(queries, sign, delta):
    growth = "mean-minus-std" if sign < 0 else "mean-plus-std"
    watch = detector_of("prada", growth=growth).client()
    found = scores(watch, queries)
    alarm, sizes = plain_prada(queries, answer(queries).labels, delta, sign)
    assert first_above(found, 1 - delta) == alarm
    kept = [len(one["rows"]) for one in watch.state_dict()["sets"]]
    assert {number: size for number, size in enumerate(kept) if size} == sizes


def test_prada_notices_that_every_query_comes_twice_as_soon_as_it_tests():
    """The first test that can be is the one at 120: 110 queries have fewer than 101 distances, of ten classes."""
    found = scores(detector_of("prada").client(), twice(images(150, 12)))
    first = int((~found.isnan()).nonzero()[0]) + 1
    assert 110 <= first <= 150
    assert first_above(found, 0.1) == first


def test_near_duplicates_are_counted_among_the_last_queries():
    stream = torch.cat([images(30, 3), twice(images(10, 4)), images(30, 5)])
    found = scores(detector_of("near-duplicates").client(), stream)
    assert found[29] == 0.0
    assert found[49] == 0.5
    assert found[79] == 0.0


def test_near_is_by_root_mean_square_whatever_the_size_of_an_input():
    one = torch.full((1, *SPEC.shape), 0.5)
    for step, near in ((0.05, 1.0), (0.06, 0.0)):
        found = scores(detector_of("near-duplicates", window=1).client(), torch.cat([one, one + step]))
        assert found.tolist() == [0.0, near]


def test_a_memory_forgets_the_oldest_and_finds_the_nearest_of_the_rest():
    rows = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    bounded, whole = Memory(5), Memory(None)
    for row in rows:
        bounded.add(row)
        whole.add(row)
    for memory, kept in ((bounded, rows[-5:]), (whole, rows)):
        distances = (kept - rows[0]).norm(dim=1).sort().values
        assert len(memory) == len(kept)
        assert torch.allclose(memory.nearest(rows[0], 3), distances[:3], atol=1e-6)
        assert torch.allclose(memory.nearest(rows[0]), distances[:1], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("mmd", {}),
        ("mmd", {"features": "logits"}),
        ("energy", {}),
        ("energy", {"statistic": "mean"}),
        ("energy", {"of": "max-softmax"}),
    ],
)
def test_window_tests_see_other_inputs_and_not_new_ones(name, given):
    detector = detector_of(name, **given)
    new = scores(detector.client(), images(300, 21))[50:].max()
    assert scores(detector.client(), bright(300, 22))[50:].min() > new


def test_the_score_of_mmd_is_the_unbiased_statistic_of_a_double_loop():
    detector = detector_of("mmd", reference=15)
    stream = bright(23, 5)
    found = scores(detector.client(), stream)[-1]
    known, last = detector.fit()["known"].numpy(), stream[-20:].flatten(1).double().numpy()
    apart = [np.linalg.norm(a - b) for a, b in itertools.permutations(known, 2)]
    scale = np.sort(apart)[(len(apart) - 1) // 2]

    def k(a, b):
        return np.mean([math.exp(-((np.linalg.norm(a - b) / (s * scale)) ** 2) / 2) for s in (0.5, 1, 2, 4)])

    within = [np.mean([k(a, b) for a, b in itertools.permutations(part, 2)]) for part in (last, known)]
    across = np.mean([k(a, b) for a in last for b in known])
    assert float(found) == pytest.approx(sum(within) - 2 * across, abs=1e-9)


def test_the_distance_of_two_samples_is_kolmogorovs():
    random = np.random.default_rng(0)
    first, second = random.normal(size=20), np.sort(random.normal(0.5, size=37))
    second[3] = first[0]
    ours = kolmogorov_smirnov(torch.from_numpy(first), torch.from_numpy(np.sort(second)))
    assert ours == pytest.approx(scipy.stats.ks_2samp(first, second).statistic)


def test_the_histogram_of_labels_is_held_against_the_owners_by_chi_square(fitted):
    stream = images(20, 6)
    found = scores(detector_of("label-histogram", fitted["label-histogram"]).client(), stream)[-1]
    shares = fitted["label-histogram"]["shares"].numpy()
    counts = answer(stream).labels.bincount(minlength=10).numpy()
    assert float(found) == pytest.approx(scipy.stats.chisquare(counts, 20 * shares).statistic)
    one = stream[:1].expand(20, *SPEC.shape)
    assert scores(detector_of("label-histogram", fitted["label-histogram"]).client(), one)[-1] > 5 * found


class Always(torch.nn.Module):
    """Gives each row the label that a column of it says."""

    def __init__(self, column):
        super().__init__()
        self.column = column

    def forward(self, rows):
        return torch.nn.functional.one_hot(rows[:, self.column], 10).float()


def test_an_input_is_as_hard_as_the_network_from_which_on_all_agree():
    answers = torch.tensor([[3, 3, 3], [1, 3, 3], [3, 1, 3], [1, 2, 3]])
    assert hardness([Always(column) for column in range(3)], answers).tolist() == [0, 1, 2, 2]


def test_hoda_keeps_networks_after_the_first_epoch_and_then_at_equal_distances():
    """Here after epochs 0, 1, 3, as the paper's are after 0, 9, ..., 99 of 100; and after all three of three."""
    some, all_of_them = (
        registry().get(DetectorEntry, "hoda").call(context(), given=given).fit()["states"]
        for given in ({"epochs": 4, "checkpoints": 3}, {"epochs": 3, "checkpoints": 4})
    )
    assert [len(some), len(all_of_them)] == [3, 4]
    assert torch.equal(some[0]["1.weight"], all_of_them[0]["1.weight"])
    assert torch.equal(some[1]["1.weight"], all_of_them[2]["1.weight"])
    assert not torch.equal(some[2]["1.weight"], all_of_them[3]["1.weight"])


def test_seat_counts_small_changes_of_earlier_images_and_not_new_images(fitted):
    """The radius is that of the two most similar images of the owner's; a change of 0.002 is far less."""
    watch = detector_of("seat", fitted["seat"]).client()
    first = images(20, 31)
    assert scores(watch, first)[-1] <= 1
    assert scores(watch, (first + 0.002).clamp(0, 1))[-1] >= 20


def test_the_monitor_counts_what_a_client_was_told_about_the_owners_inputs(fitted):
    """Nothing where all that was asked has one label; more and more, the more is asked of what the owner has."""
    watch = detector_of("extraction-monitor", fitted["extraction-monitor"]).client()
    owned = context().data.inputs
    found = scores(watch, owned)
    assert found[:29].isnan().all()
    assert found[-1] > max(found[29], 0)
    blind = detector_of("extraction-monitor", fitted["extraction-monitor"]).client()
    assert scores(blind, owned[:1].expand(60, *SPEC.shape))[-1] <= 0


def test_without_scikit_learn_the_monitor_is_refused_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    with pytest.raises(ConfigurationError, match=r"needs scikit-learn: pip install 'mebench\[detectors\]'$"):
        registry().get(DetectorEntry, "extraction-monitor").call(context())


@pytest.mark.parametrize("name", ["seat", "extraction-monitor"])
def test_what_looks_at_images_refuses_other_inputs_in_one_line(name):
    flat_ones = replace(context(), spec=InputSpec((64,), 10))
    with pytest.raises(ConfigurationError, match=rf"^{name}: looks at images"):
        registry().get(DetectorEntry, name).call(flat_ones)
