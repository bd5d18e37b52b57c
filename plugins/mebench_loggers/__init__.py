"""Loggers for runs: TensorBoard, MLflow, and Weights & Biases. Each needs an extra of mebench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import LoggerEntry, Param, hookimpl


@dataclass(frozen=True)
class TensorBoardParameters:
    """Where TensorBoard finds it."""

    folder: Annotated[str, Param("Folder of the event files; `tensorboard` in the results folder if it is empty.")] = ""


@dataclass(frozen=True)
class MlflowParameters:
    """Where MLflow keeps it."""

    tracking_uri: Annotated[
        str,
        Param("The store; without it MLFLOW_TRACKING_URI, or else `mlflow.db` in the results folder."),
    ] = ""
    experiment: Annotated[str, Param("Name of the experiment; BENCHMARK/PROFILE if it is empty.")] = ""


@dataclass(frozen=True)
class WandbParameters:
    """Where Weights & Biases keeps it."""

    project: Annotated[str, Param("Name of the project.")] = "mebench"
    mode: Annotated[
        Literal["offline", "online"],
        Param("`offline` writes files that `wandb sync` can send later; `online` sends what happens to its servers."),
    ] = "offline"
    folder: Annotated[str, Param("Folder that gets the folder `wandb`; the results folder if it is empty.")] = ""


@hookimpl
def mebench_api_version() -> tuple[int, int]:
    """The version that has loggers."""
    return (1, 7)


@hookimpl
def mebench_loggers() -> Sequence[LoggerEntry]:
    """The three loggers."""
    return [
        LoggerEntry(
            "tensorboard",
            "Writes curves and parameters of each trial as event files of TensorBoard.",
            "mebench_loggers.to_tensorboard:ToTensorBoard",
            TensorBoardParameters,
            packages=("tensorboard",),
            install="mebench[tensorboard]",
        ),
        LoggerEntry(
            "mlflow",
            "Makes each trial a run of an MLflow experiment.",
            "mebench_loggers.to_mlflow:ToMlflow",
            MlflowParameters,
            packages=("mlflow",),
            install="mebench[mlflow]",
        ),
        LoggerEntry(
            "wandb",
            "Makes each trial a run of a Weights & Biases project; offline unless it is told otherwise.",
            "mebench_loggers.to_wandb:ToWandb",
            WandbParameters,
            packages=("wandb",),
            install="mebench[wandb]",
        ),
    ]
