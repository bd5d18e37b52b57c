"""One malformed file of each kind, and the exact line that it gives."""

from __future__ import annotations

import pytest
from benchmark_texts import GOOD, problems

ATTACK = "{attack: chooser, channel: label}"
TRAINING = "training: {epochs: 2, learning_rate: 1e-3}"
WEIGHTS = "weights: own.safetensors"
REPORTED = "{attack: gradients, variant: l1, victim: own, budget: 20_000_000, accuracy: 92.3, source: Table 1}"
FIRST = "{attack: gradients, channel: vg, parameters: {<<: *shared, rate: 1e-3}}"

# What is replaced in the good file, by what, and the problem that follows. It must point at the ¦ in the new text,
# or, where the fault is in what is left, at the first place of the fourth text.
CASES = {
    # --- keys and types
    "unknown key at the top": ("title: An", "¦titel: An", "titel: unknown key. Did you mean 'title'?"),
    "unknown key far down": (
        "needs_gpu: true",
        "¦needs_gpus: true",
        "profiles.paper.needs_gpus: unknown key. Did you mean 'needs_gpu'?",
    ),
    "unknown key in a reported row": (
        "accuracy: 92.3",
        "¦accurcy: 92.3, fidelity: 1",
        "reported[0].accurcy: unknown key. Did you mean 'accuracy'?",
    ),
    "unknown training key": (
        "epochs: 2",
        "¦epoch: 2",
        "victims.small.training.epoch: unknown key. Did you mean 'epochs'?",
    ),
    "missing key": (
        "        clone: resnet18\n",
        "",
        "profiles.paper.runs[0].clone: is missing",
        "victims: [own]\n        budgets",
    ),
    "key given twice": ("title: An", "¦name: b\ntitle: An", "name: this key is given twice (first in line 1)"),
    "number as a key": ("title: An", "¦3: An", "a key must be a word; put it in quotes"),
    "word for a number": (
        "epochs: 2",
        "epochs: ¦two",
        "victims.small.training.epochs: must be a whole number, not 'two'",
    ),
    "fraction for a whole number": (
        "60_000",
        "¦6e4",
        "profiles.quick.runs[0].budgets[0]: must be a whole number, not 60000.0",
    ),
    "truth for a number": (
        "epochs: 2",
        "epochs: ¦true",
        "victims.small.training.epochs: must be a whole number, not true",
    ),
    "word for a float": (
        "learning_rate: 1e-3",
        "learning_rate: ¦fast",
        "victims.small.training.learning_rate: must be a number, not 'fast'",
    ),
    "word for a truth": (
        "needs_gpu: true",
        "needs_gpu: ¦yes",
        "profiles.paper.needs_gpu: must be true or false, not 'yes'",
    ),
    "number for a text": ("title: An example", "title: ¦3", "title: must be text, not 3"),
    "null for a text": ("title: An example", "title:¦", "title: must be text, not null"),
    "word for a list": (
        "victims: [own]",
        "victims: ¦own",
        "profiles.paper.runs[0].victims: must be a list, not 'own'",
    ),
    "word for a mapping": (TRAINING, "training: ¦long", "victims.small.training: must be a mapping, not 'long'"),
    "list for a component": (
        "network: lenet5",
        "network: ¦[lenet5]",
        "victims.small.network: must be a name, or a mapping with a name, not ['lenet5']",
    ),
    "not a choice": ("scale: paper", "scale: ¦papr", "profiles.paper.scale: must be reduced or paper, not 'papr'"),
    "not a choice, near one": (
        "{epochs: 2,",
        "{epochs: 2, schedule: ¦cosin,",
        "victims.small.training.schedule: must be cosine or constant or multistep, not 'cosin'. Did you mean 'cosine'?",
    ),
    "not a device": ("device: cuda", "device: ¦gpu", "profiles.paper.device: must be cpu, cuda, cuda:N or auto"),
    "too few items": (
        "image_size: [32, 32]",
        "image_size: ¦[32]",
        "victims.small.image_size: must have 2 items, not 1",
    ),
    "too many items": (
        "image_size: [32, 32]",
        "image_size: ¦[32, 32, 3]",
        "victims.small.image_size: must have 2 items, not 3",
    ),
    "infinite number": (
        "learning_rate: 1e-3",
        "learning_rate: ¦.inf",
        "victims.small.training.learning_rate: must be a finite number, not inf",
    ),
    "momentum of one": (
        "{epochs: 2,",
        "{epochs: 2, momentum: ¦1.0,",
        "victims.small.training.momentum: must be less than 1, not 1.0",
    ),
    "python object": (
        "title: An example",
        "title: ¦!!python/object/apply:os.system [ls]",
        "title: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed",
    ),
    # --- names
    "benchmark name with a path": (
        "name: example",
        "name: ¦../example",
        "name: may hold only lower-case letters, digits, - and _, at most 80, not '../example'",
    ),
    "victim name with a path": (
        "  own:\n",
        "  ¦../b: {data: mnist, network: mlp, training: {}}\n  own:\n",
        "victims.../b: a name may hold only lower-case letters",
    ),
    "profile name with a space": (
        "  paper:\n    scale",
        "  ¦the paper:\n    scale",
        "profiles.the paper: a name may hold only",
    ),
    "unknown attack": (
        "attack: chooser",
        "attack: ¦choser",
        "profiles.quick.runs[0].attacks[3].attack: unknown attack 'choser'. Did you mean 'chooser'?",
    ),
    "unknown channel": (
        "channel: label",
        "channel: ¦labels",
        "profiles.quick.runs[0].attacks[3].channel: unknown channel 'labels'. Did you mean 'label'?",
    ),
    "unknown network": (
        "clone: resnet18",
        "clone: ¦resnet81",
        "profiles.paper.runs[0].clone: unknown network 'resnet81'. Did you mean 'resnet8'?",
    ),
    "unknown data set": (
        "data: cifar10",
        "data: ¦cifar",
        "victims.own.data: unknown dataset 'cifar'. Did you mean 'cifar10'?",
    ),
    "unknown victim": (
        "victims: [own]",
        "victims: [¦onw]",
        "profiles.paper.runs[0].victims[0]: unknown victim 'onw'. Did you mean 'own'?",
    ),
    "unknown default profile": (
        "title: An example",
        "default_profile: ¦qick",
        "default_profile: unknown profile 'qick'. Did you mean 'quick'?",
    ),
    # --- parameters
    "unknown attack parameter": (
        "rate: 1e-3}}",
        "¦rat: 1e-3}}",
        "profiles.quick.runs[0].attacks[0].parameters.rat: gradients has no such parameter. Did you mean 'rate'?",
    ),
    "attack parameter out of range": (
        "rate: 1e-3}}",
        "rate: ¦-1}}",
        "profiles.quick.runs[0].attacks[0].parameters.rate: must be at least 0, not -1.0",
    ),
    "attack parameter not a choice": (
        "loss: kl",
        "loss: ¦l2",
        "profiles.quick.runs[0].attacks[1].parameters.loss: must be one of l1, kl, not 'l2'",
    ),
    "channel parameter of the wrong type": (
        "score: logit",
        "score: ¦3",
        "profiles.quick.runs[0].attacks[2].channel.score: must be a string, not 3",
    ),
    "network parameter": (
        "{name: resnet34, width: 8}",
        "{name: resnet34, ¦widht: 8}",
        "victims.own.network.widht: resnet34 has no such parameter. Did you mean 'width'?",
    ),
    # --- what fits together
    "channel that gives too little": (
        "attack: gradients, channel: vg}",
        "attack: gradients, channel: ¦label}",
        "profiles.paper.runs[0].attacks[0].channel: gradients needs explanation and probability, which label does not"
        " give. Channels that do: ig, sg, vg, white-box",
    ),
    "pool attack without a pool": (
        "        pool: {name: fashion-mnist-10k, rows: [4000, 8000], prior: problem-domain}\n",
        "",
        "profiles.quick.runs[0].attacks[3].attack: chooser needs a pool: give the run one",
        "chooser, channel",
    ),
    "pool without a prior": (
        ", prior: problem-domain}",
        "}",
        "profiles.quick.runs[0].pool.prior: is missing",
        "{name: fashion-mnist-10k, rows: [4000",
    ),
    "pool with another prior": (
        "prior: problem-domain",
        "prior: ¦private",
        "profiles.quick.runs[0].pool.prior: must be public or problem-domain, not 'private'",
    ),
    "the same row twice": (
        ATTACK,
        f"{ATTACK}\n          - ¦{ATTACK}",
        "profiles.quick.runs[0].attacks[4]: is the same row as profiles.quick.runs[0].attacks[3]: remove one,",
    ),
    "rows told apart by nothing in their names": (
        "{<<: *shared, loss: kl}",
        "{rate: 3}",
        "profiles.quick.runs[0].attacks[1]: is the same row as profiles.quick.runs[0].attacks[0]:",
        "{attack: gradients, channel: vg, parameters: {rate: 3",
    ),
    "empty list": ("budgets: [20_000_000]", "budgets: ¦[]", "profiles.paper.runs[0].budgets: must not be empty"),
    "negative budget": (
        "budgets: [20_000_000]",
        "budgets: [¦-5]",
        "profiles.paper.runs[0].budgets[0]: must be at least 1, not -5",
    ),
    "budget too small for an attack": (
        "60_000, 1000]",
        "60_000, ¦99]",
        "profiles.quick.runs[0].budgets[1]: must be at least 100 for gradients, not 99",
    ),
    "budget twice": ("60_000, 1000]", "1000, ¦1000]", "profiles.quick.runs[0].budgets[1]: 1000 is given twice"),
    "seeds twice": ("seeds: [0, 3]", "seeds: [3, ¦3]", "profiles.paper.seeds[1]: 3 is given twice"),
    "no seeds": (
        "seeds: 2",
        "seeds: ¦0",
        "profiles.quick.seeds: must be a number of seeds up to 10,000 or a list such as [0, 1], not 0",
    ),
    "negative seed": (
        "seeds: [0, 3]",
        "seeds: ¦[-1]",
        "profiles.paper.seeds: must be a number of seeds up to 10,000 or a list",
    ),
    "more seeds than anybody needs": (
        "seeds: 2",
        "seeds: ¦1_000_000_000_000_000_000_000",
        "profiles.quick.seeds: must be a number of seeds up to 10,000",
    ),
    "rows that are no range": (
        "rows: [0, 4000]",
        "rows: ¦[4000, 4000]",
        "victims.small.data.rows: must be [start, stop] with start below stop, not [4000, 4000]",
    ),
    "a mapping for the name of an attack": (
        "attack: chooser",
        "attack: ¦{name: chooser}",
        "profiles.quick.runs[0].attacks[3].attack: must be text, not a mapping",
    ),
    # --- victims
    "victim without weights": (WEIGHTS, "seed: 1", "victims.own: must have training or weights", "own:\n"),
    "victim with two kinds of weights": (
        WEIGHTS,
        f"{WEIGHTS}\n    training: {{}}",
        "victims.own: must have training or weights, not both",
        "own:\n",
    ),
    "victim without a network": (
        "    network: lenet5\n",
        "",
        "victims.small: must have one of network, factory, torchscript and victim",
        "small:\n",
    ),
    "victim with two networks": (
        "    network: lenet5\n",
        "    network: lenet5\n    factory: a:b\n",
        "victims.small: must have one of network, factory, torchscript and victim, not network and factory",
        "small:\n",
    ),
    "torchscript with weights": (
        "network: {name: resnet34, width: 8}",
        "torchscript: a.pt",
        "victims.own.weights: a torchscript victim brings its own weights",
        "weights: own",
    ),
    "factory that is no function": (
        "network: {name: resnet34, width: 8}",
        "factory: ¦a/b.py",
        "victims.own.factory: must be written module:callable, not 'a/b.py'",
    ),
    "mean without std": (
        "    std: [0.5, 0.5, 0.5]\n",
        "",
        "victims.own: must have both mean and std, or neither",
        "own:\n",
    ),
    "mean for another number of channels": (
        "mean: [0.5, 0.5, 0.5]",
        "mean: ¦[0.5]",
        "victims.own.mean: must have 3 numbers, one per channel, not 1",
    ),
    "names of classes that are too few": (
        "    network: lenet5\n",
        "    network: lenet5\n    class_names: ¦[cat, dog]\n",
        "victims.small.class_names: must have 10 names, one for each class of fashion-mnist-10k, not 2",
    ),
    "a name of two classes": (
        "    network: lenet5\n",
        "    network: lenet5\n    class_names: [a, b, c, d, e, f, g, h, i, ¦a]\n",
        "victims.small.class_names[9]: 'a' is given twice",
    ),
    "std of zero": ("std: [0.5, 0.5, 0.5]", "std: [0.5, ¦0, 0.5]", "victims.own.std[1]: must be greater than 0"),
    # --- reported numbers
    "reported attack that nothing has": (
        "- {attack: gradients, variant",
        "- {attack: ¦gradient, variant",
        "reported[0].attack: no profile has the attack 'gradient'. Did you mean 'gradients'?",
    ),
    "reported victim that nothing has": (
        "victim: own, budget",
        "victim: ¦their, budget",
        "reported[0].victim: no profile has the victim 'their'. Known: own, small",
    ),
    "reported variant that nothing has": (
        "variant: l1, victim",
        "variant: ¦l2, victim",
        "reported[0].variant: no profile has of gradients the variant 'l2'. Known: kl, l1",
    ),
    "reported without a variant where there are several": (
        "variant: l1, victim",
        "victim",
        "reported[0]: must say which variant of gradients: kl, l1",
        "{attack: gradients, victim",
    ),
    "reported channel that nothing has": (
        REPORTED,
        REPORTED.replace("source", "channel: ¦sg, source"),
        "reported[0].channel: no profile has gradients with 'sg'. Known: vg, vg(score=logit)",
    ),
    "reported fraction": (
        "accuracy: 92.3",
        "accuracy: ¦0.923",
        "reported[0].accuracy: must be in percent, not 0.923: write 92.3",
    ),
    "reported nothing": (
        "accuracy: 92.3, ",
        "",
        "reported[0]: must report accuracy, fidelity or metrics",
        "{attack: gradients, variant: l1, victim",
    ),
    "reported number that results do not have": (
        "accuracy: 92.3",
        "metrics: {¦queries_to_maximun: 340_000}",
        "reported[0].metrics.queries_to_maximun: no such number in results: 'queries_to_maximun'. "
        "Did you mean 'queries_to_maximum'?",
    ),
    "reported number of a metric that is not asked for": (
        "accuracy: 92.3",
        "metrics: {¦echoes: 53.7}",
        "reported[0].metrics.echoes: is not measured: add echoes to the benchmark's metrics",
    ),
    "reported rate above all": (
        "accuracy: 92.3",
        "metrics: {auc: ¦537}",
        "reported[0].metrics.auc: must be in percent, not 537",
    ),
    "reported number below zero": (
        "accuracy: 92.3",
        "metrics: {queries_to_90: ¦-1}",
        "reported[0].metrics.queries_to_90: must be at least 0, not -1",
    ),
    "reported accuracy among the other numbers": (
        "accuracy: 92.3",
        "metrics: {¦accuracy: 92.3}",
        "reported[0].metrics.accuracy: stands beside metrics, not in it",
    ),
    "price of a channel that does not exist": (
        "title: An",
        "prices: {per_1000_queries: {¦probabilty: 1}}\ntitle: An",
        "prices.per_1000_queries.probabilty: unknown channel 'probabilty'. Did you mean 'probability'?",
    ),
    "negative price": (
        "title: An",
        "prices: {per_1000_queries: {}, per_gpu_hour: ¦-1}\ntitle: An",
        "prices.per_gpu_hour: must be at least 0, not -1",
    ),
    "unknown track": (
        "note: a small one",
        "tracks: [native, ¦standart]",
        "profiles.quick.tracks[1]: must be native or standard, not 'standart'",
    ),
    "track given twice": (
        "note: a small one",
        "tracks: [native, ¦native]",
        "profiles.quick.tracks[1]: 'native' is given twice",
    ),
    "measured speed of an attack that is not run": (
        "note: a small one",
        "speed: {machine: a laptop, queries_per_second: {¦gradient: 5}}",
        "profiles.quick.speed.queries_per_second.gradient: no run of this profile has the attack 'gradient'",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_malformed_file_says_where_and_what(tmp_path, case):
    old, new, expected, *at = case
    assert GOOD.count(old) == 1, "the case must change one place"
    changed = GOOD.replace(old, new)
    before = changed[: changed.index(at[0] if at else "¦")]
    place = f"b.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
    (line,) = problems(tmp_path, changed.replace("¦", ""))  # nothing else is blamed
    assert line.startswith(place + expected)


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_the_file(tmp_path):
    changes = {
        "title: An": "titel: An",
        "epochs: 2": "epochs: x",
        "channel: label}": "channel: labels}",
        "budgets: [20_000_000]": "budgets: []",
        "accuracy: 92.3": "accuracy: 0.9",
    }
    text = GOOD
    for old, new in changes.items():
        text = text.replace(old, new)
    lines = problems(tmp_path, text)
    where = [line.split(": ")[1] for line in lines]
    assert where == [
        "titel",
        "victims.small.training.epochs",
        "profiles.quick.runs[0].attacks[3].channel",
        "profiles.paper.runs[0].budgets",
        "reported[0].accuracy",
    ]
    assert [int(line.split(":")[1]) for line in lines] == sorted(int(line.split(":")[1]) for line in lines)


def test_a_problem_behind_an_anchor_is_told_once_with_the_number_of_other_uses(tmp_path):
    lines = problems(tmp_path, GOOD.replace("&shared {batch_size: 8}", "&shared {batch_size: none}"))
    first = "profiles.quick.runs[0].attacks[0].parameters.batch_size: must be a whole number, not 'none'"
    assert lines == [f"b.yaml:4:32: {first} (and 1 more from there)"]


def test_rows_that_differ_only_in_their_clone_or_pool_are_different_rows(tmp_path):
    run = """
      - victims: [small]
        clone: {name: mlp, hidden: [8]}
        budgets: [1000]
        attacks: [{attack: gradients, channel: vg}]
"""
    assert problems(tmp_path, GOOD.replace("  paper:\n    scale", run.lstrip("\n") + "  paper:\n    scale")) == []
