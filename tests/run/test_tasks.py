from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import write_image_folder
from torch.nn.modules.module import register_module_forward_hook
from trials import SMALL, tiny_trial

from mebench.api.errors import ResultsError
from mebench.api.progress import Stopped, ignore, never
from mebench.api.spec import Component
from mebench.registry.entries import AttackEntry, NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.run import tasks
from mebench.run.tasks import DataNeed, Needs, Site, TrialWork, check

NO_GPU = "this torch is built for CPUs only" if torch.version.cuda is None else "torch sees none"


def look(device: str, gpus: int, monkeypatch: pytest.MonkeyPatch, wanted_by: str = "") -> Site:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    return check(Needs(device, wanted_by, (), ()), device="cpu", on_progress=ignore, should_stop=never)


@pytest.mark.parametrize(
    ("device", "gpus", "devices"),
    [
        ("cpu", 4, ("cpu",)),
        ("auto", 0, ("cpu",)),
        ("auto", 1, ("cuda",)),
        ("cuda", 1, ("cuda",)),
        ("cuda", 3, ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda:1", 3, ("cuda:1",)),
    ],
)
def test_trials_run_on_the_devices_asked_for(
    device: str, gpus: int, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(device, gpus, monkeypatch) == Site((), devices)


@pytest.mark.parametrize(
    ("device", "gpus", "wanted_by", "problem"),
    [
        ("cuda", 0, "", f"device cuda is asked for, but {NO_GPU}"),
        ("cuda", 0, "paper", f"profile 'paper' needs a GPU, but {NO_GPU}"),
        ("auto", 0, "paper", f"profile 'paper' needs a GPU, but {NO_GPU}"),
        ("cuda:3", 2, "", "device cuda:3 is asked for, but there are only 2, numbered from 0"),
    ],
)
def test_a_device_that_is_not_there_is_a_problem(
    device: str, gpus: int, wanted_by: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = look(device, gpus, monkeypatch, wanted_by).problems
    assert found.startswith(problem)


def test_what_cannot_be_imported_or_found_is_a_problem_each(tmp_path: Path) -> None:
    data = Component("svhn", {"root": str(tmp_path)})
    data_needed = (DataNeed(data, "train"), DataNeed(data, "test"))
    needs = Needs("cpu", "", data_needed, ((AttackEntry, "dfme"), (NetworkEntry, "no-such-net")))
    problems = check(needs, device="cpu", on_progress=ignore, should_stop=never).problems
    assert len(problems) == 2
    assert "no-such-net" in problems[0]
    assert str(tmp_path) in problems[1]


def test_what_was_left_out_of_the_data_is_told_once_and_its_pictures_are_read_as_trials_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    (write_image_folder(tmp_path / "mine", size=40) / "train" / "cat" / "notes.txt").touch()
    data = Component("image-folder", {"root": str(tmp_path / "mine")})
    needs = Needs("cpu", "", (DataNeed(data, "train", (40, 40)), DataNeed(data, "train", (40, 40))), ())
    site = check(needs, device="cpu", on_progress=ignore, should_stop=never)
    assert site == Site(
        (), ("cpu",), (f"image-folder: {tmp_path}/mine/train: left out 1 that is no picture by its name (.txt)",)
    )
    read = [np.load(file, mmap_mode="r").shape for file in (tmp_path / "cache").rglob("images.npy")]
    assert read == [(40, 3, 40, 40)]


def test_a_check_that_is_stopped_says_so() -> None:
    needs = Needs("cpu", "", (), ((AttackEntry, "dfme"),))
    with pytest.raises(Stopped):
        check(needs, device="cpu", on_progress=ignore, should_stop=lambda: True)


def run(folder: TrialFolder, should_stop=never) -> dict[str, float]:
    return tasks.run(TrialWork(SPEC, folder.path), device="cpu", on_progress=ignore, should_stop=should_stop)


SPEC = tiny_trial(parameters=SMALL)


def test_a_trial_waits_for_a_worker_that_still_saves(tmp_path: Path) -> None:
    folder = TrialFolder.of(tmp_path, SPEC)
    held, seen = threading.Event(), []

    def hold() -> None:
        with folder.locked():
            held.set()
            time.sleep(0.5)
            seen.append((folder.path / "spec.json").exists())

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    assert 0 <= run(folder)["accuracy"] <= 1
    holder.join()
    assert seen == [False]


def test_a_trial_that_goes_on_elsewhere_is_given_up_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BUSY_SECONDS", 0.1)
    folder = TrialFolder.of(tmp_path, SPEC)
    with folder.locked(), pytest.raises(ResultsError, match=r"process [0-9]+ on .* is running this trial"):
        run(folder)


def test_a_trial_that_another_process_has_finished_is_not_run_again(tmp_path: Path) -> None:
    folder = TrialFolder.of(tmp_path, SPEC)
    metrics = run(folder)
    written = (folder.path / "result.json").stat().st_mtime_ns
    assert run(folder) == metrics
    assert (folder.path / "result.json").stat().st_mtime_ns == written


def test_a_trial_that_is_asked_to_stop_leaves_a_checkpoint(tmp_path: Path) -> None:
    folder = TrialFolder.of(tmp_path, SPEC)
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        run(folder, lambda: next(asked, True))
    assert folder.status == "partial"


@pytest.mark.parametrize(
    ("left", "undo"),
    [
        (lambda: torch.set_default_dtype(torch.float64), lambda _: torch.set_default_dtype(torch.float32)),
        (lambda: torch.set_default_device("meta"), lambda _: torch.set_default_device(None)),
        (
            lambda: register_module_forward_hook(lambda module, given, returned: returned * 0),
            lambda hook: hook.remove(),
        ),
    ],
    ids=["dtype", "device", "hook"],
)
def test_a_victim_is_the_same_whatever_a_plugin_has_left_while_it_was_loaded(left, undo, tmp_path, monkeypatch) -> None:
    victim = tiny_trial().victim
    found = []
    for place, before in (("without", lambda: None), ("with", left)):
        monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / place))
        done = before()
        try:
            found.append(tasks.prepare(victim, device="cpu", on_progress=ignore, should_stop=never)["accuracy"])
        finally:
            if done is not None or place == "with":
                undo(done)
    assert found[0] == found[1]


def test_data_are_looked_for_with_torchs_own_settings_whatever_a_plugin_has_left() -> None:
    need = DataNeed(Component("fashion-mnist-10k", {"rows": [0, 10]}), "train")
    torch.set_default_device("meta")
    try:
        assert check(Needs("cpu", "", (need,), ()), device="cpu", on_progress=ignore, should_stop=never).problems == ()
        assert torch.zeros(1).device.type == "cpu"
    finally:
        torch.set_default_device(None)
