"""The shape of a benchmark file: keys, types and ranges.

That names exist and that things fit together is checked elsewhere: see `mebench.plan.file.checker`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mebench.api.spec import Augmentation, LearningRate, OnAlarm, Optimizer, Outputs, TrainingRecipe
from mebench.data.class_names import LONGEST
from mebench.plan.file.positions import Location

NAME = r"^[a-z0-9][a-z0-9_-]{0,79}$"
DEVICE = r"^(cpu|auto|cuda(:[0-9]+)?)$"
VARIANT = r"^[A-Za-z0-9][A-Za-z0-9 ,=.+_-]{0,79}$"
FACTORY = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
WORDS = r"\S"
PATTERN_WORDS = {
    NAME: "may hold only lower-case letters, digits, - and _, at most 80",
    DEVICE: "must be cpu, cuda, cuda:N or auto",
    VARIANT: "may hold only letters, digits, spaces and , = . + _ -, at most 80",
    FACTORY: "must be written module:callable",
    WORDS: "must hold more than spaces",
}
"""What each pattern asks for, in words."""
MAX_SEEDS = 10_000
MAX_SEED = 2**32 - 1
MAX_BUDGET = 10**12
MAX_EVALUATIONS = 10_000
MAX_NUMBER = 10**12
"""Of a number that nothing else bounds."""


class Section(BaseModel):
    """A mapping of a benchmark file with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Named(Section):
    """A registered name, alone or with parameters: ``vg`` or ``{name: vg, score: logit}``."""

    model_config = ConfigDict(extra="allow")

    name: str

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def parameters(self) -> dict[str, Any]:
        """What is given beside the name."""
        return dict(self.model_extra or {})


class NamedPool(Named):
    """A data set of unlabelled inputs, its training split, for attacks of the pool family."""

    prior: Literal["public", "problem-domain"] = Field(
        description="How near the pool is to the victim's data: `public` (other images) or `problem-domain`."
    )


def _seeds(value: Any) -> Any:
    """Turn a number n into 0..n-1 and check a list."""
    if type(value) is int and 1 <= value <= MAX_SEEDS:
        return list(range(value))
    whole = isinstance(value, list) and all(type(seed) is int and seed >= 0 for seed in value)
    if not whole or not 0 < len(value) <= MAX_SEEDS:
        raise PydanticCustomError("seeds", f"must be a number of seeds up to {MAX_SEEDS:,} or a list such as [0, 1]")
    if max(value) > MAX_SEED:
        raise PydanticCustomError("seeds", f"must hold seeds of at most {MAX_SEED:,}")
    return value


def _table(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _plain_zero(value: float) -> float:
    """Minus zero is zero: it makes no other trial."""
    return value + 0.0


Count = Annotated[int, Field(ge=1, le=1_000_000)]
Side = Annotated[int, Field(ge=1, le=10_000)]
Budget = Annotated[int, Field(ge=1, le=MAX_BUDGET)]
Evaluations = Annotated[int, Field(ge=1, le=MAX_EVALUATIONS)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Seeds = Annotated[
    list[int],
    BeforeValidator(_seeds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_SEEDS},
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
                    "minItems": 1,
                    "maxItems": MAX_SEEDS,
                },
            ]
        }
    ),
]
Positive = Annotated[float, Field(gt=0, le=MAX_NUMBER, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False), AfterValidator(_plain_zero)]
Finite = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False), AfterValidator(_plain_zero)]
Momentum = Annotated[float, Field(ge=0, lt=1), AfterValidator(_plain_zero)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
ClassName = Annotated[str, Field(pattern=WORDS, max_length=LONGEST)]
Reference = Literal["victim", "supervised"]
Track = Literal["native", "standard"]


class Training(Section):
    """How a victim is trained."""

    epochs: Count = Field(TrainingRecipe.epochs, description="Passes over the data.")
    batch_size: Count = Field(TrainingRecipe.batch_size, description="Images in one step.")
    optimizer: Optimizer = TrainingRecipe.optimizer
    learning_rate: Positive = TrainingRecipe.learning_rate
    momentum: Momentum = Field(TrainingRecipe.momentum, description="Of sgd.")
    weight_decay: NotNegative = TrainingRecipe.weight_decay
    schedule: LearningRate = Field(
        TrainingRecipe.schedule, description="Of the learning rate; multistep is x0.1 at 50 % and 75 %."
    )
    augment: Augmentation = TrainingRecipe.augment

    def recipe(self) -> TrainingRecipe:
        """The same as a spec keeps it."""
        return TrainingRecipe(**self.model_dump())


class VictimSection(Section):
    """The classifier under attack."""

    data: Named | None = Field(
        None,
        description="Data set: trained on its train split, scored on its test split; a registered victim has its own.",
    )
    image_size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Height and width that images are resized to; without it, those that the data set has."
    )
    network: Named | None = Field(None, description="Architecture.")
    victim: Named | None = Field(None, description="A registered victim, which brings network, weights and data.")
    training: Training | None = Field(None, description="How the network is trained; {} for the defaults.")
    seed: Seed = Field(0, description="Of initial weights and data order.")
    factory: str | None = Field(
        None, pattern=FACTORY, description="module:callable that returns a torch module of logits."
    )
    weights: str | None = Field(None, min_length=1, description="Safetensors file for network or factory.")
    torchscript: str | None = Field(None, min_length=1, description="TorchScript file of a module of logits.")
    mean: Annotated[list[Finite], Field(min_length=1)] | None = Field(
        None, description="Per channel, subtracted before the network; inputs are in [0, 1]."
    )
    std: Annotated[list[Positive], Field(min_length=1)] | None = Field(
        None, description="Per channel, divided by before the network."
    )
    outputs: Outputs | None = Field(
        None, description="What the network returns: logits, log-probabilities or probabilities; seen without it."
    )
    class_names: Annotated[list[ClassName], Field(min_length=1)] | None = Field(
        None,
        description="What readers call the classes, in the order of the labels; without it, the data set's names.",
    )


def _chain(value: Any) -> Any:
    """Turn ``none`` into no link, and one link into a list of one."""
    if value == "none":
        return []
    return value if isinstance(value, list) else [value]


def _chains(value: Any) -> Any:
    return [_chain(one) for one in value] if isinstance(value, list) else value


Chains = Annotated[
    list[list[Named]],
    BeforeValidator(_chains),
    Field(min_length=1),
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["string", "object", "array"]}}),
]
"""Chains of links to choose among: each is ``none``, a link, or a list of links."""


class AttackSection(Section):
    """One row of the leaderboard: an attack through a channel."""

    attack: str
    channel: Named = Field(description="What the victim gives back.")
    parameters: dict[str, Any] = Field({}, description="Of the attack; see `mebench info ATTACK`.")
    variant: str | None = Field(
        None, pattern=VARIANT, description="Name of this row; made from the parameters without it."
    )


class Run(Section):
    """A grid: every attack on every victim at every budget with every seed."""

    victims: list[str] = Field(min_length=1, description="Names of victims of this file.")
    clone: Named = Field(description="The attacker's network.")
    budgets: list[Budget] = Field(min_length=1, description="Numbers of queries.")
    attacks: list[AttackSection] = Field(min_length=1)
    pool: NamedPool | None = Field(None, description="Unlabelled inputs for attacks of the pool family.")
    seeds: Seeds | None = Field(None, description="In place of the profile's.")
    evaluations: Evaluations | None = Field(None, description="In place of the profile's.")
    references: list[Reference] | None = Field(None, description="In place of the profile's.")
    tracks: Annotated[list[Track], Field(min_length=1)] | None = Field(None, description="In place of the profile's.")
    defences: Chains = Field(
        [[]], description="What the victim is behind: none, a defence, or a list of them from the channel outwards."
    )
    recoveries: Chains = Field(
        [[]], description="How attacks answer defences: none, a recovery, or a list of them from the oracle inwards."
    )
    detectors: list[Named] = Field([], description="Watch every trial of the run.")
    reserve: Named | None = Field(
        None, description="Labelled data of the owner's own, its training split: for defences and detectors."
    )
    clients: Count = Field(1, description="Over how many clients an attack spreads its queries.")
    on_alarm: OnAlarm = Field(
        "audit", description="After a detector's alarm: nothing (audit), only labels are answered, or refuse."
    )


class Speed(Section):
    """How fast the benchmark's author measured it, for ``mebench plan`` before anything has run."""

    machine: str = Field(min_length=1, description="What it was measured on.")
    queries_per_second: dict[str, Positive] = Field(description="Of one trial, by attack.")


class Profile(Section):
    """One scale at which the benchmark can be run."""

    scale: Literal["reduced", "paper"] = Field(description="Whether this is the paper's own scale.")
    note: str = Field("", description="One sentence, shown on screen and in results.")
    device: str = Field("cpu", pattern=DEVICE, description="cpu, cuda, cuda:N or auto.")
    needs_gpu: bool = Field(False, description="Warn before the run starts if there is no GPU.")
    seeds: Seeds = Field([0], description="A number n for seeds 0 to n-1, or a list.")
    evaluations: Evaluations = Field(20, description="Points on the curve of a trial.")
    evaluation_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="At most how much of a trial evaluations take, in forward passes: those before the last look at a "
        "part of the test set that is as large as this allows. 1 looks at all of it every time.",
    )
    references: list[Reference] = Field(["victim", "supervised"], description="Reference rows of the leaderboard.")
    tracks: list[Track] = Field(
        ["native"],
        min_length=1,
        description="Who trains the scored clone: `native`, the attack; `standard`, one fixed learner on its queries.",
    )
    tf32: bool = Field(False, description="Allow TF32 on GPUs; recorded in results.")
    compile: bool = Field(
        False,
        description="Compile generators with torch.compile: up to a minute of work, which long trials win back. "
        "Needs a C++ compiler; recorded in results, since it rounds differently.",
    )
    bf16: bool = Field(
        False,
        description="Train clones and generators in bfloat16; not for attacks by forward differences. Recorded in "
        "results.",
    )
    metrics: list[Named] = Field([], description="Measured besides those that the file names for all profiles.")
    speed: Speed | None = Field(None, description="As measured; `mebench plan` estimates time with it.")
    runs: list[Run] = Field(min_length=1)


class Reported(Section):
    """A number of the paper, in percent, shown beside ours."""

    attack: str
    variant: str | None = Field(None, description="Can be left out where the attack has one variant.")
    victim: str
    budget: Budget
    channel: str | None = Field(None, description="Can be left out where it is clear.")
    accuracy: Percent | None = None
    fidelity: Percent | None = None
    metrics: dict[str, NotNegative] = Field(
        {}, description="Other numbers by their key in results: fractions in percent, all else as it is."
    )
    source: str = Field("", description='Where the number stands, e.g. "Table 1".')
    note: str = ""


class Paper(Section):
    """The paper that the benchmark re-measures."""

    title: str
    id: str = Field("", description="arXiv or DOI number.")
    table: Annotated[str, BeforeValidator(_table), WithJsonSchema({"type": ["string", "integer"]})] | None = None


class Prices(Section):
    """What things cost, for the column of money in leaderboards."""

    currency: str = Field("USD", min_length=1, max_length=8, description="Any word; nothing is converted.")
    per_1000_queries: dict[str, NotNegative] = Field(description="By channel.")
    per_1000_explanations: NotNegative = Field(0.0, description="On top of their queries.")
    per_gpu_hour: NotNegative = Field(0.0, description="Of the attacker's own computing time.")
    per_cpu_hour: NotNegative = Field(0.0, description="Of the attacker's own computing time.")


class Benchmark(Section):
    """A benchmark file."""

    name: str = Field(pattern=NAME, description="Name of the results folder.")
    title: str = ""
    paper: Paper | None = None
    requires: list[str] = Field([], description="What must be installed, as pip takes it: mebench-stripes>=0.2.")
    metrics: list[Named] = Field([], description="Measured besides those of every trial; see `mebench list metrics`.")
    default_profile: str | None = Field(None, description="The first profile without it.")
    victims: dict[str, VictimSection] = Field(min_length=1, description="By name, for all profiles.")
    profiles: dict[str, Profile] = Field(min_length=1, description="By name.")
    reported: list[Reported] = Field([], description="What the paper reports.")
    prices: Prices | None = Field(None, description="A price sheet: leaderboards then say what each row costs.")

    _file: Path = PrivateAttr(Path())

    @property
    def file(self) -> Path:
        """The file that it was read from."""
        return self._file

    @property
    def first_profile(self) -> str:
        """The profile that is run where none is asked for."""
        return self.default_profile or next(iter(self.profiles))


def annotation_at(location: Location) -> Any:
    """The type that the schema gives the value at a location; None where it has none."""
    annotation: Any = Benchmark
    for part in location:
        annotation = _bare(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Section):
            known = annotation.model_fields.get(str(part))
            annotation = known.annotation if known else None
        elif get_origin(annotation) in (list, dict):
            annotation = get_args(annotation)[-1]
        else:
            return None
    return _bare(annotation)


def section_at(location: Location) -> type[Section] | None:
    """The model of the mapping at a location, if it has a fixed set of keys."""
    annotation = annotation_at(location)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _bare(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``| None``."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif type(None) in get_args(annotation):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation
