"""A benchmark run: from a plan to jobs, and from their outcomes to folders. Imports no torch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mebench.api.errors import ConfigurationError, MebenchError, ResultsError, UnwritableError
from mebench.api.files import write_json
from mebench.api.notices import notice
from mebench.api.plurals import counted
from mebench.api.spec import TrialSpec, VictimSpec, content_digest
from mebench.api.unfinished import sweep
from mebench.data.sizes import size_given
from mebench.data.sources import download_folder
from mebench.models.victims.cache import victims_dir
from mebench.models.victims.files import existing
from mebench.plan.plan import Plan
from mebench.plan.state import PlanState, State
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, DatasetEntry
from mebench.registry.entry import Entry
from mebench.registry.parts import components, trial_parts, victim_parts
from mebench.results.leaderboard.write.labels import answered_by
from mebench.results.set_aside import set_aside as set_folders_aside
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine import Engine, Job, Listener, Outcome
from mebench.run.tasks import DataNeed, Needs, Site, TrialWork

LOGS = "logs"
_SET_ASIDE: dict[State, str] = {"damaged": "damaged {}", "other code": "{} of other code"}
"""What is set aside before a run, and how it is called."""
LOCK_TRIES, LOCK_SECONDS = 20, 0.1


def site(
    engine: Engine, plan: Plan, trials: Sequence[TrialSpec], device: str | None = None, stall: float | None = None
) -> Site | None:
    """Look for all that the trials need; None if the user stopped it.

    Args:
        engine: where to look.
        plan: whose profile says which device it wants.
        trials: those that will run.
        device: in place of the profile's.
        stall: seconds that a plugin's data set may go without a sign of life.

    Raises:
        MebenchError: it could not be found out.
    """
    settings = plan.settings
    data = list(data_needed(trials))
    needs = Needs(
        device or settings.device,
        plan.profile if settings.needs_gpu else "",
        tuple(one for one in data if _own(DatasetEntry, one.data.name)),
        tuple(dict.fromkeys(one for one in components(trials) if _own(*one))),
    )
    job = Job("check", "looking for data and devices", "mebench.run.tasks:check", needs)
    others = [_look(one, stall) for one in data if not _own(DatasetEntry, one.data.name)]
    outcomes = engine.run([job, *others])
    outcome = outcomes.pop("check", None)
    if outcome is None or outcome.ending == "stopped":
        return None
    if outcome.ending == "failed":
        raise MebenchError(f"cannot tell whether everything is there: {outcome.reason}")
    found: Site = outcome.value
    theirs: list[Site] = [one.value for one in outcomes.values() if one.ending == "done"]
    problems = [problem for one in (found, *theirs) for problem in one.problems]
    heard = [line for one in (found, *theirs) for line in one.told]
    return Site((*_missing_weights(trials), *problems), found.devices, tuple(dict.fromkeys(heard)))


def _own(kind: type[Entry], name: str) -> bool:
    """Whether something ships with mebench. What others bring is looked at where it cannot stop the whole run."""
    known = registry()
    try:
        return known.ships(kind, name)
    except KeyError:  # nobody's: the check says so
        return True


def _look(need: DataNeed, stall: float | None) -> Job:
    """The job that looks for a plugin's data; if the plugin itself fails, the trials that need it say so."""
    key = f"check {need.data.name} {need.split} {content_digest([need.data, need.image_size])}"
    title = f"looking for {need.data.name}"
    return Job(key, title, "mebench.run.tasks:check", Needs("cpu", "", (need,), ()), stall=stall)


def jobs(
    trials: Sequence[TrialSpec],
    root: Path,
    timeout: float | None = None,
    stall: float | None = None,
    retries: int = 0,
) -> list[Job]:
    """The jobs of a run: each victim once, and the trials, each of which needs its victim.

    Args:
        trials: those that will run.
        root: the benchmark's folder.
        timeout: seconds that a trial may take; victims may take longer.
        stall: seconds that a trial or a victim may go without a sign of life.
        retries: how often each is tried again where the cause of its failure passes.
    """
    names = titles(trials)
    victims = {victim_key(trial.victim): trial.victim for trial in trials}
    preparations = [
        Job(
            key,
            f"victim {victim.name}",
            "mebench.run.tasks:prepare",
            victim,
            log=root / LOGS / f"{key}.txt",
            stall=stall,
            subject=_subject(victim_parts(victim)),
            retries=retries,
        )
        for key, victim in victims.items()
    ]
    attempts = [
        Job(
            trial.id,
            names[trial.id],
            "mebench.run.tasks:run",
            TrialWork(trial, TrialFolder.of(root, trial).path),
            needs=(victim_key(trial.victim),),
            log=TrialFolder.of(root, trial).log,
            timeout=timeout,
            stall=stall,
            subject=_subject(trial_parts(trial)),
            retries=retries,
            folder=TrialFolder.of(root, trial).path,
        )
        for trial in trials
    ]
    return [*preparations, *attempts]


def victim_key(victim: VictimSpec) -> str:
    """The key of the job that prepares a victim; also the name of its log."""
    return f"victim-{victim.name}"


def titles(trials: Sequence[TrialSpec]) -> dict[str, str]:
    """A short name of each trial by id: its attack, and what tells it apart from others of this attack."""
    dimensions: list[Callable[[TrialSpec], str]] = [
        lambda trial: trial.victim.name,
        _service,
        lambda trial: trial.clone.name,
        lambda trial: counted(trial.budget, "query"),
        lambda trial: f"{trial.track} learner",
        lambda trial: f"seed {trial.seed}",
    ]
    rows: dict[str, list[TrialSpec]] = {}
    for trial in trials:
        rows.setdefault(_row(trial), []).append(trial)
    telling = [word for word in dimensions if any(len({word(trial) for trial in row}) > 1 for row in rows.values())]
    return {trial.id: " ".join([_row(trial), *(word(trial) for word in telling)]) for trial in trials}


def _service(trial: TrialSpec) -> str:
    """What answers; of a channel behind nothing its bare name."""
    if not trial.defences and trial.on_alarm == "audit":
        return trial.channel.name
    return answered_by(trial.channel, trial.defences, trial.on_alarm)


def set_aside(trials: Sequence[TrialSpec], root: Path) -> tuple[int, Path]:
    """Move the folders of trials out of the way; see `mebench.results.set_aside.set_aside`."""
    return set_folders_aside([TrialFolder.of(root, trial) for trial in trials], root)


@dataclass
class Recorder(Listener):
    """Writes the failures of trials into their folders as they happen, and counts.

    Attributes:
        root: the benchmark's folder.
        specs: the trials of the run by id.
        failed: titles, reasons and logs of the jobs that failed.
    """

    root: Path
    specs: dict[str, TrialSpec]
    failed: list[tuple[Job, Outcome]] = field(default_factory=list)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Note a failure, and write it unless another process is at work in the folder."""
        if outcome.ending != "failed":
            return
        self.failed.append((job, outcome))
        if (spec := self.specs.get(job.key)) is not None:
            _write_failure(TrialFolder.of(self.root, spec), spec, outcome)


def _write_failure(folder: TrialFolder, spec: TrialSpec, outcome: Outcome) -> None:
    """A process that the trial forked may hold its folder for the moment that it takes to end."""
    for _ in range(LOCK_TRIES):
        try:
            with contextlib.suppress(ResultsError), folder.locked():
                folder.fail(spec, outcome.reason, outcome.traceback, outcome.cause)
                return
        except (UnwritableError, OSError):  # the disk is full: the command tells the reason all the same
            return
        time.sleep(LOCK_SECONDS)


def execute(
    engine: Engine,
    plan: Plan,
    root: Path,
    *,
    timeout: float | None = None,
    stall: float | None = None,
    retries: int = 0,
    listeners: Sequence[Listener] = (),
    keep_other_code: bool = False,
) -> list[tuple[Job, Outcome]]:
    """Run what is not finished of a plan; what is damaged, and what other code has made, is set aside and runs anew.

    Args:
        engine, plan, root: where, what, and the folder of its results.
        timeout, stall, retries: see `jobs`.
        listeners: told of what happens.
        keep_other_code: whether results that other code has finished stay.

    Returns:
        The jobs that failed; their trials' folders say why, too.

    Raises:
        ResultsError: nothing can be written to the folder.
    """
    try:
        write_json(root / "benchmark.json", plan.metadata())
    except UnwritableError as error:
        raise ResultsError(f"{root}: cannot hold results: {error.reason}; give another folder by --out") from error
    _sweep(plan, root)
    state = PlanState.of(plan, root, keep_other_code=keep_other_code)
    for what, words in _SET_ASIDE.items():
        if replaced := state.having(what):
            count, where = set_aside(replaced, root)
            told = f"{len(replaced):,} {words.format('trial' if len(replaced) == 1 else 'trials')}, {count} finished, "
            told += f"{'is' if len(replaced) == 1 else 'are'} now in {where}"
            notice(f"{told}; delete it when you need them no more")
    pending = state.pending
    recorder = Recorder(root, {trial.id: trial for trial in pending})
    engine.run(jobs(pending, root, timeout, stall, retries), [recorder, *listeners])
    return recorder.failed


def _sweep(plan: Plan, root: Path) -> None:
    """Delete what killed processes have left unfinished among the results of a plan and in the cache."""
    trials = [TrialFolder.of(root, trial).path for trial in plan.trials]
    kept = [place for place in (victims_dir(), download_folder()) if place.is_dir()]
    below = [entry for place in kept for entry in place.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    for folder in (root, *trials, *(trial / "samples" for trial in trials), *kept, *below):
        sweep(folder)


def _subject(parts: Iterator[tuple[type[Entry], str]]) -> str:
    """Whose code a job runs, in words: the attack, and all else that does not ship with mebench."""
    known = registry()
    told = dict.fromkeys(part for part in parts if part[0] is AttackEntry or not _own(*part))
    return " with ".join(f"{kind.kind} {name} ({known.origin(kind, name)})" for kind, name in told)


def _row(trial: TrialSpec) -> str:
    return trial.attack.name if trial.variant == "default" else f"{trial.attack.name} {trial.variant}"


def data_needed(trials: Sequence[TrialSpec]) -> Iterator[DataNeed]:
    """What is read of data sets, each once."""
    seen: list[DataNeed] = []
    for trial in trials:
        victim, pool = trial.victim, trial.pool
        wanted = [DataNeed(victim.data.without("rows"), "test", victim.image_size)]
        if victim.training is not None or trial.kind == "supervised":
            wanted.append(DataNeed(victim.data, "train", victim.image_size))
        if pool is not None:
            wanted.append(DataNeed(pool, "train", size_given(victim)))
        for one in wanted:
            if one not in seen:
                seen.append(one)
                yield one


def _missing_weights(trials: Sequence[TrialSpec]) -> Iterator[str]:
    """One line for each file of a user's own victim that is not there."""
    for victim in {trial.victim.name: trial.victim for trial in trials}.values():
        yield from missing_files(victim)


def missing_files(victim: VictimSpec) -> Iterator[str]:
    """One line for each file of a victim that is not there."""
    for file in (victim.weights, victim.torchscript):
        try:
            if file is not None:
                existing(file, victim.name)
        except ConfigurationError as error:
            yield f"{error}: put it there, or correct its path in the benchmark file"
