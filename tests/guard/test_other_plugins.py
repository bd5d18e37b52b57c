"""Hostile channels, networks, data sets and imports: named, and no harm to the trials that do without them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mebench.cli import main
from mebench.results.trial_folder import trial_folders

PLUGIN = """\
__version__ = "6.6.6"

from mebench import AttackEntry, ChannelEntry, DatasetEntry, NetworkEntry, hookimpl

GIVES = frozenset({"label", "probability"})

@hookimpl
def mebench_attacks():
    return [AttackEntry("not-there", "Cannot be imported.", "no_such_module:build")]

@hookimpl
def mebench_datasets():
    return [
        DatasetEntry("deadly", "Ends the process.", "sly:deadly", shape=(1, 28, 28), num_classes=10),
        *(DatasetEntry(name, "A.", f"sly:{name}", shape=(1, 8, 8), num_classes=3) for name in ("larger", "richer")),
        DatasetEntry("wordy", "Returns a word.", "sly:wordy", shape=(1, 28, 28), num_classes=10),
    ]

@hookimpl
def mebench_channels():
    return [
        ChannelEntry("raising", "Raises.", "sly:Raising", gives=GIVES),
        ChannelEntry("lying", "Gives no probabilities.", "sly:Lying", gives=GIVES),
        *(ChannelEntry(one, "So.", f"sly:{one.title()}", gives=GIVES) for one in "nan wide double tied".split()),
        ChannelEntry("killing", "Ends the process.", "sly:Killing", gives=GIVES),
    ]

@hookimpl
def mebench_networks():
    names = ("fewer", "pair", "dead", "writing")
    return [NetworkEntry("wordnet", "Says a word.", "sly:wordy"), *(NetworkEntry(n, "N.", f"sly:{n}") for n in names)]

def network(spec, answer):
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(spec.size, spec.num_classes)

        def forward(self, inputs):
            return answer(self.layer(inputs.flatten(1)))

    return Net()

def fewer(spec):
    return network(spec, lambda logits: logits[:, 1:])

def pair(spec):
    return network(spec, lambda logits: (logits, logits))

def dead(spec):
    return network(spec, lambda logits: {}["x"])

def writing(spec):
    from torch import nn

    class Centring(nn.Module):
        def forward(self, inputs):
            return inputs.sub_(0.2)

    return nn.Sequential(Centring(), nn.Flatten(), nn.Linear(spec.size, spec.num_classes))

def deadly(split):
    import os
    os._exit(3)

def images(side, classes):
    import torch
    from mebench import Dataset
    values = torch.zeros(4, 1, side, side, dtype=torch.uint8)
    return Dataset("x", values, torch.zeros(4, dtype=torch.int64), classes, "")

def larger(split):
    return images(9, 3)

def richer(split):
    return images(8, 4)

def wordy(*arguments):
    return "word"

def channel(answers):
    from mebench import ResponseChannel

    class Channel(ResponseChannel):
        name, gives = "sly", GIVES

        def answer(self, victim, inputs, explain):
            return answers(victim(inputs))

    return Channel()

def Raising():
    return channel(lambda logits: {}["x"])

def Lying():
    from mebench import Response
    return channel(lambda logits: Response(logits.argmax(1)))

def answering(change):
    import torch
    from mebench import Response
    return channel(lambda logits: Response(logits.argmax(1), change(torch.softmax(logits, 1))))

def Nan():
    return answering(lambda values: values * float("nan"))

def Wide():
    return answering(lambda values: values + 1)

def Double():
    return answering(lambda values: values.double())

def Tied():
    return answering(lambda values: values.requires_grad_())

def Killing():
    import os
    return channel(lambda logits: os._exit(3))
"""
DATA = {"image_size": [8, 8], "network": "mlp", "training": {"epochs": 1, "batch_size": 32}}
NOISE = {"attack": "noise", "channel": "probability", "parameters": {"batch_size": 50}}
ENDED = "its process ended with exit code 3 and without a result, while it ran"
SLY = "(plugins/sly.py 6.6.6)"


def run(victim: str, attack: dict[str, object], clone: str = "mlp") -> dict[str, object]:
    return {"victims": [victim], "clone": clone, "budgets": [100], "attacks": [attack]}


@pytest.mark.slow
def test_each_is_named_and_the_trial_that_needs_none_is_finished(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sly.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    names = ("raising", "lying", "killing", "nan", "wide", "double", "tied")
    runs = [
        run("good", NOISE),
        run("good", {"attack": "not-there", "channel": "probability"}),
        *(run("good", {**NOISE, "channel": name, "variant": name}) for name in names),
        run("good", {**NOISE, "variant": "wordnet"}, clone="wordnet"),
        *(run("good", {**NOISE, "variant": name}, clone=name) for name in ("fewer", "pair", "dead", "writing")),
        *(run(name, {**NOISE, "variant": name}) for name in ("deadly", "wordy", "larger", "richer", "unlearnable")),
    ]
    victims = {"good": {**DATA, "data": {"name": "fashion-mnist-10k", "rows": [0, 200]}}}
    victims |= {name: {**DATA, "data": name} for name in ("deadly", "wordy", "larger", "richer")}
    victims["unlearnable"] = {**victims["good"], "network": "fewer"}
    quick = {"scale": "reduced", "evaluations": 1, "references": ["victim"], "runs": runs}
    Path("b.yaml").write_text(yaml.safe_dump({"name": "b", "victims": victims, "profiles": {"quick": quick}}))
    assert main(["run", "b.yaml", "--plugin-dir", "plugins", "--out", "out", "--workers", "2"]) == 3
    found = trial_folders(Path("out"))
    failed = [one.failure() for one in found if one.status == "failed"]
    assert [one.result()["spec"]["attack"]["name"] for one in found if one.status == "finished"] == ["noise"]
    own = "attack noise (mebench 0.1.0)"
    assert {one["spec"]["variant"]: one["reason"] for one in failed} == {
        "default": f"attack not-there {SLY}: loading failed: not-there: cannot load 'no_such_module:build': "
        "ModuleNotFoundError: No module named 'no_such_module'",
        "raising": f"channel raising {SLY}: answer failed: KeyError: 'x'",
        "lying": f"channel lying {SLY}: answer returned probabilities that are no tensor of shape (50, 10)",
        "nan": f"channel nan {SLY}: answer returned probabilities that are NaN",
        "wide": f"channel wide {SLY}: answer returned probabilities outside [0, 1]",
        "double": f"channel double {SLY}: answer returned probabilities of type torch.float64, not float32",
        "tied": f"channel tied {SLY}: answer returned probabilities with a graph back through the victim",
        "killing": f"{ENDED} {own} with channel killing {SLY}",
        "wordnet": f"network wordnet {SLY}: its constructor returned a str, not a torch module",
        "fewer": f"network fewer {SLY}: its forward pass returned a Tensor of shape (2, 9), "
        "not logits of shape (2, 10)",
        "pair": f"network pair {SLY}: its forward pass returned a tuple, not logits of shape (2, 10)",
        "dead": f"network dead {SLY}: its forward pass failed: KeyError: 'x'",
        "writing": f"network writing {SLY}: its forward pass writes on its inputs, which are queries and test images: "
        "let it take a copy",
        "unlearnable": f"victim unlearnable: network fewer {SLY}: its forward pass returned a Tensor of shape (2, 9), "
        "not logits of shape (2, 10)",
        "larger": f"victim larger: dataset larger {SLY}: reading returned images of shape (1, 9, 9), "
        "its entry says (1, 8, 8)",
        "richer": f"victim richer: dataset richer {SLY}: reading returned 4 classes, its entry says 3",
        "deadly": f"victim deadly: {ENDED} dataset deadly {SLY}",
        "wordy": f"victim wordy: dataset wordy {SLY}: reading returned a str, not a Dataset",
    }
