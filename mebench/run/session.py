"""One run of a plan, from a look at what is there to outcomes: what the command line and Python both call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mebench.api.errors import ConfigurationError
from mebench.api.plurals import counted
from mebench.api.run_events import LoggedRun
from mebench.api.version import VERSION
from mebench.plan.forecast import kind_of, measured_speeds
from mebench.plan.plan import Plan
from mebench.plan.speeds import KeptSpeeds, trial_key
from mebench.plan.state import PlanState
from mebench.run.audience import Audience
from mebench.run.engine import Engine, EngineSettings, Interrupts, Job, Outcome, open_engine
from mebench.run.engine.interrupts import KILL
from mebench.run.failure_limit import FailureLimit
from mebench.run.loggers.asked import Asked, check, told
from mebench.run.loggers.life import RunLife
from mebench.run.runner import LOGS, execute, set_aside, site
from mebench.run.time_left import Speeds

STALL_SECONDS = 1800.0


@dataclass(frozen=True)
class RunOptions:
    """How a plan is run.

    Attributes:
        out: the results folder.
        workers: trials at once; None for one per usable core, or per GPU; 0 for one after another in this process.
        threads: of each trial and each victim; results depend on it in their last bits.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``; None for the profile's.
        timeout: seconds that a trial may take, or None.
        stall: seconds that a trial may go without a sign of life; None for any number.
        retries: how often a trial is tried again where the cause of its failure passes.
        max_failures: save and stop once so many trials have failed for good; None for never.
        fresh: whether finished trials run again; their results are set aside.
        keep_other_code: whether results that other code has finished stay.
        log: loggers; see `mebench.run.loggers.asked`.
        engine: its name in `mebench.run.engine.table`; None for processes, or inline where ``workers`` is 0.
        scheduler: address of a dask scheduler that is there already.
        cluster: the batch system that dask workers are jobs of.
        cluster_options: YAML file with the options of these jobs.
        per_gpu: how many trials run on each GPU of a dask worker at once; None for one.
        again: whether finished trials run again and are set aside, while what is half-run goes on.
    """

    out: Path
    workers: int | None = None
    threads: int = 1
    device: str | None = None
    timeout: float | None = None
    stall: float | None = STALL_SECONDS
    retries: int = 0
    max_failures: int | None = None
    fresh: bool = False
    keep_other_code: bool = False
    log: tuple[Asked, ...] = ()
    engine: str | None = None
    scheduler: str | None = None
    cluster: str | None = None
    cluster_options: Path | None = None
    per_gpu: int | None = None
    again: bool = False

    @property
    def engine_name(self) -> str:
        """The engine that is meant."""
        return self.engine or ("inline" if self.workers == 0 else "processes")


class Session:
    """One run of a plan.

    Args:
        plan: what to run.
        options: how.
        audience: shown what happens.

    Raises:
        ConfigurationError: a logger that is asked for is not there, or its parameters are wrong.

    Attributes:
        state: how far the plan's trials are on disk, before the run.
        todo: the trials that run.
        interrupted: whether the user stopped the run.
        too_many: the number of trials that have failed for good, if that stopped the run; else 0.
    """

    def __init__(self, plan: Plan, options: RunOptions, audience: Audience) -> None:
        self._plan, self._options, self._audience = plan, options, audience
        check(options.log)
        self.state = PlanState.of(plan, options.out, keep_other_code=options.keep_other_code)
        self.todo = list(plan.trials) if options.fresh or options.again else self.state.pending
        self.interrupted = False
        self.too_many = 0

    def run(self) -> list[tuple[Job, Outcome]]:
        """Run what is missing; return the jobs that failed. Ctrl-C saves and stops; see `interrupted`.

        Raises:
            ConfigurationError: data, plugins or devices are missing, with one line for each.
            ResultsError: nothing can be written to the folder, or a trial is running.
        """
        inline = self._options.engine_name == "inline"
        with Interrupts(raise_when_killed=inline) as interrupts, self._engine(interrupts) as engine:
            limit = FailureLimit(self._options.max_failures, interrupts)
            failed = self._execute(engine, interrupts, limit)
        self.interrupted = interrupts.level > limit.reached
        self.too_many = limit.failed if limit.reached else 0
        return failed

    def _execute(self, engine: Engine, interrupts: Interrupts, limit: FailureLimit) -> list[tuple[Job, Outcome]]:
        engine.equip(self._devices(engine) if self.todo else ("cpu",))
        if interrupts.level:
            return []
        if anew := self.todo if self._options.fresh else self.state.having("finished") if self._options.again else []:
            count, where = set_aside(anew, self._options.out)
            results = f"{counted(count, 'finished result')} {'is' if count == 1 else 'are'}"
            self._audience.set_aside(f"{results} now in {where}; delete it when you need them no more")
        with (
            self._life(interrupts) as life,
            self._audience.watching(self.todo, engine.slots, self._speeds()) as listeners,
        ):
            return execute(
                engine,
                self._plan,
                self._options.out,
                timeout=self._options.timeout,
                stall=self._options.stall,
                retries=self._options.retries,
                listeners=[limit, *listeners, life],
                keep_other_code=self._options.keep_other_code,
            )

    def _life(self, interrupts: Interrupts) -> RunLife:
        """What tells loggers of the run."""
        plan, options = self._plan, self._options
        benchmark, settings = plan.benchmark, plan.settings
        facts = LoggedRun(
            benchmark.name,
            benchmark.title,
            plan.profile,
            settings.scale,
            options.out.absolute(),
            len(self.todo),
            VERSION,
        )
        loggers = told(options.log, options.out / LOGS)
        between = options.engine_name != "inline" or not any(one.here for one in loggers)
        return RunLife(loggers, facts, plan, self.todo, between=between, hurry=lambda: interrupts.level == KILL)

    def _devices(self, engine: Engine) -> tuple[str, ...]:
        """Look for data, plugins and devices; return where trials can run.

        Raises:
            ConfigurationError: with one line for each thing that is missing.
        """
        with self._audience.looking():
            found = site(engine, self._plan, self.todo, self._options.device, self._options.stall)
        if found is None:
            return ("cpu",)
        if found.problems:
            raise ConfigurationError(*found.problems)
        for line in found.told:
            self._audience.told(line)
        return found.devices

    def _engine(self, interrupts: Interrupts) -> Engine:
        """The engine asked for."""
        options = self._options
        settings = EngineSettings(
            options.workers or None,
            options.threads,
            max(1, len(self.todo)),
            interrupts,
            options.out,
            options.scheduler,
            options.cluster,
            options.cluster_options,
            options.per_gpu or 1,
        )
        return open_engine(options.engine_name, settings)

    def _speeds(self) -> Speeds:
        """What is known of the trials' speeds before they run."""
        before = measured_speeds(self._options.out) if self._options.out.is_dir() else {}
        kept, device = KeptSpeeds.read(), self._options.device or self._plan.settings.device
        for trial in self.todo:
            if speed_here := kept.get(trial_key(trial, device)):
                before.setdefault(kind_of(trial), speed_here)
        speed = self._plan.settings.speed
        return Speeds(before, speed.queries_per_second if speed else {})
