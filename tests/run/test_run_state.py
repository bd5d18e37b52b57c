from __future__ import annotations

import pytest
from make_results import BUDGET, make_spec
from rich.console import Console

from mebench.api.durations import clock_time
from mebench.api.plurals import short
from mebench.api.progress import Progress
from mebench.run.display import LINE_SECONDS, LineDisplay, LiveDisplay
from mebench.run.engine import Job, Outcome
from mebench.run.pace import Pace
from mebench.run.state import RunState

TRIALS = [make_spec(seed=seed) for seed in range(12)]


class Watch:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def trial(key: str, title: str = "") -> Job:
    return Job(key, title or key, "x:y", needs=("victim-fmnist-lenet5",))


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_pace_is_measured_on_this_session_alone(watch: Watch) -> None:
    pace = Pace(watch)
    assert pace.rate is None
    pace.add(Progress(40_000, 50_000))  # goes on from a checkpoint
    assert (pace.rate, pace.left, pace.fraction) == (None, None, 0.8)
    watch.now += 2
    pace.add(Progress(42_000, 50_000))
    assert pace.rate == 1000
    assert pace.left == 8


def test_time_left_goes_down_between_reports_and_never_below_nothing(watch: Watch) -> None:
    pace = Pace(watch)
    pace.add(Progress(0, 100))
    watch.now += 5
    pace.add(Progress(50, 100))
    watch.now += 3
    assert pace.left == pytest.approx(2)
    watch.now += 30
    assert pace.left == 0


def test_a_new_phase_starts_a_new_measurement(watch: Watch) -> None:
    pace = Pace(watch)
    pace.add(Progress(1, 15, "epochs", phase="victim"))
    watch.now += 1
    pace.add(Progress(15, 15, "epochs", phase="victim"))
    pace.add(Progress(256, 50_000))
    assert pace.rate is None


def test_the_summary_counts_what_is_over_and_says_how_long_the_rest_takes(watch: Watch) -> None:
    state = RunState(TRIALS[:4], clock=watch)
    state.started(Job("victim-fmnist-lenet5", "victim", "x:y"))
    state.ended(Job("victim-fmnist-lenet5", "victim", "x:y"), Outcome("done"))
    assert (state.done, state.left) == (0, None)
    assert state.summary() == "0/4 done, 0 s elapsed"
    for one in TRIALS[:2]:
        state.started(trial(one.id))
        state.progressed(trial(one.id), Progress(0, BUDGET))
        watch.now += 30
        state.ended(trial(one.id), Outcome("done"))
    assert state.summary() == "2/4 done, 1:00 elapsed, about 1 min left"
    state.started(trial(TRIALS[2].id))
    state.ended(trial(TRIALS[2].id), Outcome("failed", reason="x"))
    assert state.summary() == "2/4 done, 1 failed, 1:00 elapsed, about 30 s left"
    state.interrupted(1)
    assert state.summary() == "stopping: 2/4 done, 1 failed, 1:00 elapsed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.6, "1:00"), (245, "4:05"), (3599.7, "1:00:00"), (7380, "2:03:00"), (273_600, "3 d 4 h")],
)
def test_durations_read_like_a_clock(seconds: float, words: str) -> None:
    assert clock_time(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.254, "0.254"), (870, "870"), (999.7, "1K"), (12_345, "12.3K"), (999_600, "1M"), (20e6, "20M")],
)
def test_numbers_are_short(number: float, words: str) -> None:
    assert short(number) == words


def screen(width: int) -> Console:
    return Console(width=width, height=30, force_terminal=True, color_system=None, record=True, markup=False)


@pytest.mark.parametrize("width", [40, 60, 84, 160])
def test_the_table_of_running_trials_fits_its_terminal(width: int) -> None:
    console = screen(width)
    display = LiveDisplay(console, TRIALS)
    for number, name in enumerate(("megex l1,as-printed vgg-sixteen-on-svhn seed 0", "dfme l1 seed 1")):
        display.started(trial(str(number), name))
        display.progressed(trial(str(number), name), Progress(1_234_567, 20_000_000, accuracy=0.7123))
    with console.capture() as captured:
        console.print(display.lines())
    lines = captured.get().splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert "1.23M/20M" in lines[1]
    assert "71.2 %" in lines[1]
    assert lines[1].startswith("mege")
    assert ("━" in lines[1]) == (width >= 84)


def test_where_no_terminal_is_lines_tell_of_starts_ends_and_now_and_then_of_what_runs(watch: Watch) -> None:
    console = Console(record=True, width=60, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    display = LineDisplay(console, TRIALS[:2], clock=watch)
    job = trial(TRIALS[0].id, "dfme l1 seed 0")
    display.started(job)
    display.progressed(job, Progress(0, 100, accuracy=0.5))
    watch.now += LINE_SECONDS / 2
    display.progressed(job, Progress(30, 100, accuracy=0.5))
    watch.now += LINE_SECONDS / 2 - 1
    display.tick()
    watch.now += 2
    display.tick()
    display.tick()
    values = {"accuracy": 0.7123, "fidelity": 0.8}
    display.ended(job, Outcome("done", values, seconds=61))
    display.interrupted(1)
    display.interrupted(1)
    assert console.export_text().splitlines() == [
        "start   dfme l1 seed 0",
        "running dfme l1 seed 0 30 % [0/2 done, 31 s elapsed, about 1 min left]",
        "done    dfme l1 seed 0: accuracy 71.2 %, fidelity 80.0 %, 1:01 [1/2 done, 31 s elapsed, about 31 s left]",
        "stopping: saving checkpoints (Ctrl-C again to kill)",
    ]
