"""Kim's network for texts: its parts by hand, its vocabulary, and its word vectors."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, DataUnavailableError, PluginError
from mebench.api.spec import Component
from mebench.data.text.words import Lexicon, WordList
from mebench.models.networks.build import build_network
from mebench.registry.entries import NetworkEntry
from mebench.registry.validation import checked_entries

WORDS = WordList(("a", "b", "c", "d", "e", "f"))
SPEC = InputSpec((7,), 3, 0, WORDS.size - 1, torch.int64)
SMALL = {"size": 4, "maps": 2}


def network(counts=None, spec=SPEC, seed=0, **parameters):
    lexicon = Lexicon.complete(WORDS) if counts is None else Lexicon(WORDS, torch.tensor(counts))
    return build_network(Component("kim-cnn", SMALL | parameters), spec, seed, lexicon)


def by_hand(net, row):
    """Logits of one text, a filter and a place at a time."""
    words = [net.vectors.weight[int(net.own[one])] for one in row]
    features = []
    for convolution in net.filters:
        width = convolution.kernel_size[0]
        for weight, bias in zip(convolution.weight, convolution.bias, strict=True):
            heights = [
                bias + sum((weight[:, k] * words[place + k]).sum() for k in range(width))
                for place in range(len(words) - width + 1)
            ]
            features.append(torch.stack(heights).clamp(min=0).max())
    return net.classes.weight @ torch.stack(features) + net.classes.bias


def test_it_is_filters_over_words_the_maximum_over_time_and_a_linear_layer():
    net = network().eval()
    texts = torch.randint(0, WORDS.size, (4, 7), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(net(texts), torch.stack([by_hand(net, row) for row in texts]), atol=1e-6)


def test_it_has_the_published_number_of_filters():
    lexicon = Lexicon.complete(WORDS)
    net = build_network(Component("kim-cnn"), SPEC, 0, lexicon)
    shapes = [tuple(one.weight.shape) for one in net.filters]
    assert shapes == [(100, 300, 3), (100, 300, 4), (100, 300, 5)]
    assert net.classes.weight.shape == (3, 300)
    assert net.dropout.p == 0.5


def test_words_that_its_owner_has_not_seen_are_all_the_same_to_it():
    net = network(counts=[5, 9, 1, 0, 3, 0, 0, 2]).eval()
    assert net.own.tolist() == [0, 1, 2, 1, 3, 1, 1, 4]
    assert net.vectors.weight.shape == (5, 4)
    seen, unseen = torch.tensor([[2, 3, 4, 7, 0, 0, 0]]), torch.tensor([[2, 5, 4, 7, 0, 0, 0]])
    assert torch.equal(net(seen), net(unseen))


def test_rare_words_can_count_as_unknown():
    assert network(counts=[0, 0, 1, 2, 3, 0, 0, 0], least=2).own.tolist() == [0, 1, 1, 2, 3, 1, 1, 1]


def test_short_texts_and_texts_without_a_word_have_finite_logits():
    net = network(spec=InputSpec((2,), 3, 0, WORDS.size - 1, torch.int64)).eval()
    texts = torch.tensor([[2, 3], [0, 0]])
    padded = torch.nn.functional.pad(texts, (0, 3))
    assert torch.equal(net(texts), net(padded))
    assert torch.isfinite(net(texts)).all()


def test_padding_has_no_vector_and_never_learns_one():
    net = network()
    net(torch.tensor([[2, 3, 4, 5, 6, 7, 0], [7, 6, 5, 4, 3, 2, 0]])).square().sum().backward()
    gradient = net.vectors.weight.grad
    assert not net.vectors.weight[0].any()
    assert not gradient[0].any()
    assert gradient.any()


def test_static_word_vectors_are_not_trained_and_others_are():
    assert not network(static=True).vectors.weight.requires_grad
    assert network().vectors.weight.requires_grad


def test_dropout_draws_from_the_generator_that_a_trial_saves():
    net, texts = network().train(), torch.randint(2, 8, (8, 7))
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, other = net(texts), net(texts)
    torch.set_rng_state(before)
    assert torch.equal(net(texts), first)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("form", ["text", "gzip", "npy"])
def test_published_vectors_are_taken_where_there_are_any(tmp_path, form):
    lines = "b 1 2 3 4\nzzz 9 9 9 9\nd 5 6 7 8\nb 0 0 0 0\n"
    file = tmp_path / {"text": "v.txt", "gzip": "v.txt.gz", "npy": "v.npy"}[form]
    if form == "npy":
        np.save(file, np.array([[1, 2, 3, 4], [9, 9, 9, 9], [5, 6, 7, 8]], np.float32))
        (tmp_path / "v.txt").write_text("b\nzzz\nd\n")
    else:
        file.write_bytes(gzip.compress(lines.encode()) if form == "gzip" else lines.encode())
    with_vectors, without = network(vectors=str(file)).vectors.weight, network().vectors.weight
    assert with_vectors[3].tolist() == [1, 2, 3, 4]
    assert with_vectors[5].tolist() == [5, 6, 7, 8]
    rest = [0, 1, 2, 4, 6, 7]
    assert torch.equal(with_vectors[rest], without[rest])
    assert without[1:].abs().max() <= 0.25


def test_vectors_of_another_size_or_none_at_all_are_said_in_one_line(tmp_path):
    (tmp_path / "v.txt").write_text("b 1 2\n")
    with pytest.raises(ConfigurationError, match="have 2 values, not 4: set `size`"):
        network(vectors=str(tmp_path / "v.txt"))
    with pytest.raises(DataUnavailableError, match=r"no such file: .*nowhere\.txt"):
        network(vectors=str(tmp_path / "nowhere.txt"))
    with pytest.raises(DataUnavailableError, match=r"glove-6b-50d.*Did you mean 'glove-6b-100d'\?"):
        network(vectors="glove-6b-50d")
    (tmp_path / "v.npy").write_bytes(b"not an array")
    with pytest.raises(DataUnavailableError, match="cannot be read"):
        network(vectors=str(tmp_path / "v.npy"))


def test_networks_and_inputs_of_different_kinds_are_told_apart():
    with pytest.raises(ConfigurationError, match="network 'lenet5' takes images, not texts"):
        build_network(Component("lenet5"), SPEC, 0, Lexicon.complete(WORDS))
    with pytest.raises(ConfigurationError, match="network 'kim-cnn' takes texts, not images"):
        build_network(Component("kim-cnn"), InputSpec((1, 8, 8), 2), 0)
    with pytest.raises(ConfigurationError, match="must be told which words"):
        build_network(Component("kim-cnn"), SPEC, 0)


def test_an_entry_that_is_for_neither_images_nor_texts_is_refused():
    entry = NetworkEntry("odd", "An odd one.", "odd:odd", inputs="sounds")
    with pytest.raises(PluginError, match="'odd': inputs must be images or texts, not 'sounds'"):
        list(checked_entries(NetworkEntry, [entry]))
