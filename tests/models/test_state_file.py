import math

import pytest
import torch

from mebench.api.errors import ResultsError
from mebench.models.state_file import load_state, save_state
from mebench.models.weights import weights_hash


def test_nested_state_comes_back_as_it_was(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(5, 3)).sum().backward()
    optimizer.step()
    state = {
        "optimizer": optimizer.state_dict(),
        "network": network.state_dict(),
        "mixed": [1, 2.5, None, True, "x", (1, (2,)), {7: "int key", "7": "text key"}, math.inf, [], {}],
        "bytes": torch.arange(5, dtype=torch.uint8),
        "empty": torch.empty(0),
    }
    save_state(tmp_path / "state", state)
    loaded = load_state(tmp_path / "state")
    assert loaded["mixed"] == state["mixed"]
    torch.testing.assert_close(loaded["network"], dict(state["network"]), rtol=0, atol=0)
    assert loaded["bytes"].tolist() == [0, 1, 2, 3, 4]
    assert loaded["empty"].numel() == 0
    other = torch.optim.Adam(network.parameters())
    other.load_state_dict(loaded["optimizer"])
    assert str(other.state_dict()) == str(optimizer.state_dict())


def test_an_unknown_type_is_an_error_that_says_where(tmp_path):
    with pytest.raises(TypeError, match=r"state\['a'\]\[1\].*set"):
        save_state(tmp_path / "state", {"a": [0, {1, 2}]})
    assert not (tmp_path / "state").exists()


def test_a_damaged_checkpoint_is_a_clear_error(tmp_path):
    save_state(tmp_path / "state", {"a": torch.rand(100)})
    content = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(content[:-50])
    with pytest.raises(ResultsError, match="damaged checkpoint"):
        load_state(tmp_path / "state")


def test_the_hash_of_weights_depends_on_names_types_and_values_but_not_on_order():
    a, b = torch.rand(3), torch.rand(2, 2)
    assert weights_hash({"a": a, "b": b}) == weights_hash({"b": b, "a": a.clone()})
    assert weights_hash({"a": a}) != weights_hash({"b": a})
    assert weights_hash({"a": a}) != weights_hash({"a": a.double()})
    assert weights_hash({"a": a}) != weights_hash({"a": a + 1e-7})


def test_bytes_that_changed_within_a_checkpoint_are_noticed(tmp_path):
    path = tmp_path / "state"
    save_state(path, {"weights": torch.zeros(50), "spent": 12})
    whole = path.read_bytes()
    for place in (len(whole) - 1, len(whole) - 150, whole.index(b"12]")):
        path.write_bytes(whole[:place] + b"7" + whole[place + 1 :])
        with pytest.raises(ResultsError, match="damaged checkpoint"):
            load_state(path)
