"""The cache of trained victims: what its key depends on, and that damage is never believed."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from mebench.api.errors import MebenchError, UnwritableError
from mebench.api.progress import Stopped
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.models.victims import cache
from mebench.models.victims.loading import prepare_victim

SPEC = VictimSpec(
    "toy",
    Component("fashion-mnist-10k", {"rows": [0, 300]}),
    network=Component("mlp", {"hidden": [16]}),
    training=TrainingRecipe(epochs=1, batch_size=64),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "victims"


def entry(folder):
    """The only cached victim."""
    (found,) = [path for path in folder.iterdir() if path.is_dir()]
    return found


def key(spec, data_hash="d", torch_version="2.6.0", code=""):
    return cache.cache_key(spec, data_hash, torch_version, code)


@pytest.mark.parametrize(
    "other",
    [
        replace(SPEC, image_size=(32, 32)),
        replace(SPEC, network=Component("mlp", {"hidden": [17]})),
        replace(SPEC, network=Component("lenet5")),
        replace(SPEC, seed=1),
        replace(SPEC, mean=(0.5,), std=(0.5,)),
        *(
            replace(SPEC, training=replace(SPEC.training, **change))
            for change in [
                {"epochs": 2},
                {"batch_size": 65},
                {"optimizer": "sgd"},
                {"learning_rate": 0.1},
                {"momentum": 0.8},
                {"weight_decay": 0.0},
                {"schedule": "constant"},
                {"augment": "crop"},
            ]
        ),
    ],
)
def test_the_key_changes_with_everything_that_the_weights_depend_on(other):
    assert key(other) != key(SPEC)


def test_the_key_depends_on_data_code_and_torchs_major_version_only():
    assert key(SPEC, data_hash="e") != key(SPEC)
    assert key(SPEC, code="c") != key(SPEC)
    assert key(SPEC, torch_version="3.0.1") != key(SPEC)
    assert key(SPEC, torch_version="2.13.0+cpu") == key(SPEC)


def test_the_key_does_not_depend_on_the_name_or_on_the_folder_of_the_data():
    elsewhere = Component("fashion-mnist-10k", {"rows": [0, 300], "root": "/somewhere"})
    assert key(replace(SPEC, name="other", data=elsewhere)) == key(SPEC)


def test_a_trained_victim_is_taken_from_the_cache_with_the_same_weights(folder):
    first = prepare_victim(SPEC)
    second = prepare_victim(SPEC)
    assert (first.source, second.source) == ("trained now", "cache")
    assert (first.weights_hash, first.accuracy) == (second.weights_hash, second.accuracy)
    inputs = first.test_inputs[:8]
    assert torch.equal(first.victim(inputs), second.victim(inputs))
    assert entry(folder).name.startswith("toy-")


def test_another_name_or_a_default_spelt_out_is_the_same_cached_victim(folder):
    spec = replace(SPEC, network=Component("mlp"))
    prepare_victim(spec)
    again = replace(spec, name="another", network=Component("mlp", {"hidden": [64]}))
    assert prepare_victim(again).source == "cache"
    entry(folder)


def test_the_record_holds_recipe_accuracy_hashes_and_versions(folder):
    prepared = prepare_victim(SPEC)
    record = json.loads((entry(folder) / "victim.json").read_text())
    assert record["accuracy"] == prepared.accuracy
    assert record["weights_hash"] == prepared.weights_hash
    assert record["data_hash"] == prepared.data_hash
    assert record["spec"]["training"]["epochs"] == 1
    assert record["versions"]["torch"] == str(torch.__version__)
    assert record["parameters"] == 784 * 16 + 16 + 16 * 10 + 10 == prepared.network_parameters


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def other_network(path):
    tensors = load_file(path)
    tensors.popitem()
    save_file(tensors, path)


def other_accuracy(path):
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"accuracy": 97.0}))


def no_hash(path):
    record = json.loads(path.read_text())
    del record["weights_hash"]
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("weights.safetensors", cut),
        ("weights.safetensors", flip_a_bit),
        ("weights.safetensors", other_network),
        ("weights.safetensors", lambda path: path.unlink()),
        ("weights.safetensors", lambda path: path.write_bytes(b"")),
        ("victim.json", cut),
        ("victim.json", other_accuracy),
        ("victim.json", no_hash),
        ("victim.json", lambda path: path.write_text("[]")),
        ("victim.json", lambda path: path.unlink()),
    ],
)
def test_a_damaged_entry_is_reported_and_trained_again(folder, name, damage):
    first = prepare_victim(SPEC)
    damage(entry(folder) / name)
    second = prepare_victim(SPEC)
    assert second.source == "trained now"
    assert "damaged" in second.note
    assert name in second.note
    assert second.weights_hash == first.weights_hash
    third = prepare_victim(SPEC)
    assert (third.source, third.note) == ("cache", "")


def test_a_stopped_training_is_no_victim_yet_and_goes_on_to_the_same_weights(folder):
    answers = iter([False, False, True])
    with pytest.raises(Stopped):
        prepare_victim(SPEC, should_stop=lambda: next(answers))
    assert not [path for path in folder.iterdir() if path.is_dir()]
    assert cache.entries() == []
    (kept,) = folder.glob(".*.training.safetensors")
    asked = []
    resumed = prepare_victim(SPEC, should_stop=lambda: bool(asked.append(1)))
    assert (resumed.source, len(asked)) == ("trained now", 5 - 2)  # of 5 batches, 2 were done
    assert not kept.exists()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    assert prepare_victim(SPEC).weights_hash == resumed.weights_hash


def _prepare(results):
    prepared = prepare_victim(SPEC)
    results.put((prepared.source, prepared.weights_hash))


def test_two_processes_that_need_the_same_victim_train_it_once():
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_prepare, args=(results,)) for _ in range(2)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert sorted(source for source, _ in answers) == ["cache", "trained now"]
    assert len({digest for _, digest in answers}) == 1


def test_waiting_for_another_process_can_be_stopped():
    asked = threading.Event()

    def stop():
        asked.set()
        return True

    with cache.locked("somekey"), pytest.raises(Stopped, match="another process"), cache.locked("somekey", stop):
        pytest.fail("two holders of one lock")
    assert asked.is_set()


def test_a_lock_is_given_back():
    with cache.locked("somekey"):
        pass
    with cache.locked("somekey", lambda: pytest.fail("it is still held")):
        pass


def test_a_cache_folder_that_cannot_be_made_is_one_clear_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(MebenchError, match=r"cannot be written to.*set MEBENCH_CACHE"):
        prepare_victim(SPEC)


def test_a_victim_that_cannot_be_saved_is_used_all_the_same(monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "save", full)
    prepared = prepare_victim(SPEC)
    assert prepared.source == "trained now"
    assert "No space left" in prepared.note


def test_a_save_that_fails_half_way_leaves_the_old_entry(folder, monkeypatch):
    prepare_victim(SPEC)
    old = entry(folder)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write_json", full)
    with pytest.raises(OSError, match="No space"):
        cache.save("toy", old.name.rsplit("-", 1)[1], torch.nn.Linear(1, 1), {})
    assert entry(folder) == old
    assert sorted(path.name for path in old.iterdir()) == ["victim.json", "weights.safetensors"]


@pytest.mark.parametrize("name", ["../../escape", "a b/c", "...", "", "Größe", "x" * 300])
def test_a_name_never_becomes_a_path(folder, name):
    prepare_victim(replace(SPEC, name=name))
    assert entry(folder).parent == folder
    assert prepare_victim(SPEC).source == "cache"


def test_entries_list_good_and_damaged_victims(folder):
    prepare_victim(SPEC)
    shutil.copytree(entry(folder), folder / "zzz-0000000000")
    (folder / "zzz-0000000000" / "victim.json").write_text("{")
    (_, good), (path, bad) = cache.entries()
    assert good["name"] == "toy"
    assert (path.name, bad) == ("zzz-0000000000", {})


def test_a_cache_that_is_full_is_noted_and_the_victim_is_used(monkeypatch):
    def full(path, content):
        raise UnwritableError(path, "No space left on device")

    monkeypatch.setattr(cache, "write_atomically", full)
    prepared = prepare_victim(SPEC)
    assert prepared.source == "trained now"
    assert "could not be cached" in prepared.note
    assert "No space left" in prepared.note
    assert cache.entries() == []
