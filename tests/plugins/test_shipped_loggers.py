"""The loggers that ship with mebench, with the real packages: what they write is read back."""

from __future__ import annotations

import json
import struct
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mebench import EvaluationPoint, LoggedRun, LoggedTrial, RunEnd, TrialEnd

REASON = "ValueError: no"
CURVE = [(10, 0.25), (20, 0.5), (64, 0.75)]


def run_in(folder: Path) -> LoggedRun:
    return LoggedRun("little", "", "quick", "reduced", folder, 2, "0")


def trial_in(folder: Path, seed: int) -> LoggedTrial:
    name = f"noise-s{seed}"
    words = (name, f"noise seed {seed}", folder / name, "attack", "noise", "l1", "tiny", "probability", "mlp")
    return LoggedTrial(*words, 64, seed, "native", {"batch_size": 16, "milestones": [0.5], "loss": "l1"})


def tell(logger, run: LoggedRun) -> None:
    """Two trials side by side, of which the second fails, and one that is never ended."""
    logger.run_started(run)
    first, second = trial_in(run.folder, 0), trial_in(run.folder, 1)
    for trial in (first, second):
        logger.trial_started(trial)
    for queries, accuracy in CURVE:
        logger.evaluated(first, EvaluationPoint(queries, {"accuracy": accuracy, "kl": 1 - accuracy}))
    logger.evaluated(second, EvaluationPoint(10, {"accuracy": 0.125}))
    logger.trial_failed(second, TrialEnd("failed", reason=REASON))
    logger.trial_finished(first, TrialEnd("finished", {"accuracy": 0.75}, ("few-seeds",)))
    third = trial_in(run.folder, 2)
    logger.trial_started(third)
    logger.trial_stopped(third, TrialEnd("stopped"))
    logger.run_ended(run, RunEnd("finished", 1, 1))


def test_tensorboard_reads_curves_parameters_and_reasons(tmp_path):
    pytest.importorskip("tensorboard")
    from mebench_loggers import TensorBoardParameters
    from mebench_loggers.to_tensorboard import ToTensorBoard
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(ToTensorBoard(run_in(tmp_path), TensorBoardParameters()), run_in(tmp_path))

    def read(name: str) -> EventAccumulator:
        found = EventAccumulator(str(tmp_path / "tensorboard" / name))
        found.Reload()
        return found

    first, second = read("noise-s0"), read("noise-s1")
    assert [(one.step, one.value) for one in first.Scalars("accuracy")] == CURVE
    assert [one.value for one in first.Scalars("final/accuracy")] == [0.75]
    assert [one.value for one in second.Scalars("accuracy")] == [0.125]
    (text,) = second.Tensors("failed/text_summary")
    assert text.tensor_proto.string_val[0].decode() == REASON
    assert "_hparams_/session_start_info" in first.summary_metadata


def test_mlflow_reads_a_run_for_each_trial(tmp_path):
    pytest.importorskip("mlflow")
    from mebench_loggers import MlflowParameters
    from mebench_loggers.to_mlflow import ToMlflow
    from mlflow import MlflowClient

    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    logger = ToMlflow(run_in(tmp_path), MlflowParameters(tracking_uri=store))
    tell(logger, run_in(tmp_path))
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("little/quick")
    runs = {one.info.run_name: one for one in client.search_runs([experiment.experiment_id])}
    first, second, third = (runs[f"noise seed {seed}"] for seed in (0, 1, 2))
    history = client.get_metric_history(first.info.run_id, "accuracy")
    assert [(one.step, one.value) for one in history] == CURVE
    assert first.data.metrics["final.accuracy"] == 0.75
    assert first.data.params["attack"] == "noise"
    assert first.data.params["parameters.milestones"] == "[0.5]"
    assert first.data.tags["mebench.flags"] == "few-seeds"
    assert second.data.tags["mebench.reason"] == REASON
    assert [one.info.status for one in (first, second, third)] == ["FINISHED", "FAILED", "KILLED"]


def test_wandb_reads_a_run_for_each_trial_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from mebench_loggers import WandbParameters
    from mebench_loggers.to_wandb import ToWandb

    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    tell(ToWandb(run_in(tmp_path), WandbParameters(project="mine")), run_in(tmp_path))
    records = [read_run(file) for file in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))]
    assert len(records) == 3
    by_name = {run["name"]: run for run in records}
    first, second = by_name["noise seed 0"], by_name["noise seed 1"]
    assert (first["project"], first["group"]) == ("mine", "little/quick")
    assert [(line["queries"], line["accuracy"]) for line in first["history"]] == CURVE
    assert first["config"]["parameters.batch_size"] == 16
    assert first["summary"]["accuracy"] == 0.75
    assert (first["exit"], second["exit"]) == (0, 1)
    assert second["summary"]["reason"] == REASON


def records_in(content: bytes) -> Iterator[bytes]:
    """The records of an offline run: blocks of 32 KiB with parts of records, each behind checksum, length and kind."""
    place, parts = 7, b""  # behind the name of the format
    while place + 7 <= len(content):
        if (left := 32_768 - place % 32_768) < 7:
            place += left
            continue
        length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield parts
            parts = b""


def read_run(file: Path) -> dict[str, Any]:
    """What an offline run of Weights & Biases holds."""
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict[str, Any] = {"history": [], "config": {}, "summary": {}}
    for content in records_in(file.read_bytes()):
        record = Record()
        record.ParseFromString(content)
        if record.HasField("run"):
            found |= {"name": record.run.display_name, "project": record.run.project, "group": record.run.run_group}
            found["config"] |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
        if record.HasField("history"):
            found["history"].append(values_of(record.history.item))
        if record.HasField("summary"):
            found["summary"] |= values_of(record.summary.update)
        if record.HasField("exit"):
            found["exit"] = record.exit.exit_code
    return found


def values_of(items: Any) -> dict[str, Any]:
    return {one.key or one.nested_key[0]: json.loads(one.value_json) for one in items}


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb"])
def test_each_needs_an_extra_of_that_name(name, repository):
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import LoggerEntry

    entry = registry().get(LoggerEntry, name)
    extras = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert entry.packages == (name,)
    assert entry.install == f"mebench[{name}]"
    assert [line for line in extras[name] if line.startswith(name)]
