"""Small pieces of work that behave in every way a trial can, for the tests of the engine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mebench.api.errors import MebenchError
from mebench.api.progress import OnProgress, Progress, ShouldStop, Stopped


def double(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> int:
    on_progress(Progress(payload, payload))
    return 2 * payload


def where(payload: Any, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> dict[str, Any]:
    import torch

    return {
        "pid": os.getpid(),
        "device": device,
        "threads": torch.get_num_threads(),
        "interop": torch.get_num_interop_threads(),
        "environment": dict(os.environ),
        "hash": hash("a word"),
    }


def span(payload: float, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> tuple[float, float]:
    start = time.time()
    time.sleep(payload)
    return start, time.time()


def meet(payload: tuple[Path, int], *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> bool:
    """Wait until so many processes are in a folder at once."""
    folder, wanted = payload
    (folder / str(os.getpid())).touch()
    end = time.monotonic() + 60
    while len(list(folder.iterdir())) < wanted and time.monotonic() < end:
        time.sleep(0.01)
    return len(list(folder.iterdir())) >= wanted


def talk(payload: str, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    sys.stdout.write(f"from python: {payload}\n")
    os.system(f"echo from a child: {payload} >&2")


def many_reports(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> float:
    start = time.perf_counter()
    for done in range(payload):
        on_progress(Progress(done, payload))
    return time.perf_counter() - start


def raise_error(payload: str, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    raise ZeroDivisionError(payload)


def raise_user_error(payload: str, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    raise MebenchError(payload)


def call_sys_exit(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    sys.exit(payload)


def call_os_exit(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    os._exit(payload)


def kill_itself(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    os.kill(os.getpid(), payload)
    time.sleep(60)


def kill_itself_once(payload: Path, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> str:
    """At the second try it goes on."""
    if not payload.exists():
        payload.touch()
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    return "done at last"


def hang_at_once(payload: Any, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    time.sleep(300)


def work_for_long(payload: str, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> str:
    """Several seconds, in which nothing but one kind of sign of life is given."""
    import torch

    from mebench.api.progress import heartbeat

    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    signs = {
        "report": lambda: on_progress(Progress(0, 1)),
        "should_stop": should_stop,
        "optimizer": optimizer.step,
        "heartbeat": heartbeat,
    }
    for _ in range(40):
        time.sleep(0.1)
        signs[payload]()
    return payload


def hang(payload: Path | None, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    """Deaf to SIGTERM, and with a child in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    if payload is not None:
        write_pids(payload, child.pid)
    time.sleep(300)


def hang_at_exit(payload: int, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> int:
    import threading

    threading.Thread(target=time.sleep, args=(300,)).start()
    return payload


def leave_a_child_behind(payload: Path, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    write_pids(payload, subprocess.Popen(["sleep", "300"]).pid)


def count_until_stopped(payload: Path, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> None:
    """Counts in a file, from where the file is, to 100 000: its checkpoint."""
    count = payload / "count"
    done = int(count.read_text()) if count.exists() else 0
    write_pids(payload)
    while done < 100_000:
        done += 1
        on_progress(Progress(done, 100_000))
        if should_stop():
            count.write_text(str(done))
            raise Stopped
        time.sleep(0.01)


def write_pids(folder: Path, *others: int) -> None:
    text = " ".join(map(str, [os.getpid(), *others]))
    temporary = folder / f".pids-{os.getpid()}"
    temporary.write_text(text)
    temporary.rename(folder / "pids")


def run_trial_and_die(payload: Any, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> str:
    """A real trial that saves often, and is killed some milliseconds after so many turns (never, for None)."""
    import threading

    from mebench.results.trial_folder import TrialFolder
    from mebench.trial.trial import run_trial

    spec, folder, turns, seconds = payload
    seen = 0

    def count(progress: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == turns:
            threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

    return run_trial(spec, TrialFolder(folder), device=device, on_progress=count, checkpoint_seconds=0.02)


def raise_keyboard_interrupt(payload: Any, **more: Any) -> None:
    """Ends as nobody but a user's Ctrl-C should."""
    raise KeyboardInterrupt


def close_streams(payload: Any, **more: Any) -> int:
    """Closes all that output goes to, and is done."""
    sys.stderr.close()
    sys.stdout.close()
    os.close(1)
    return int(payload)


def leave_escaped_children(payload: tuple[Path, str], **more: Any) -> None:
    """Start two programs that leave session and parent, and end in one of several ways."""
    folder, ending = payload
    daemon = "import os; os.fork() and os._exit(0); print(os.getpid(), flush=True); os.execlp('sleep', 'sleep', '300')"
    direct = subprocess.Popen(["sleep", "300"], start_new_session=True)
    between = subprocess.Popen([sys.executable, "-c", daemon], start_new_session=True, stdout=subprocess.PIPE)
    assert between.stdout is not None
    write_pids(folder, direct.pid, int(between.stdout.readline()))
    if ending == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if ending == "hangs":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(300)
    if ending == "raises":
        raise ZeroDivisionError


def talk_much(payload: int, **more: Any) -> None:
    """Write so many lines past Python, as a library of C would."""
    for number in range(payload):
        os.write(2, b"line %d\n" % number)


def raise_long_error(payload: int, **more: Any) -> None:
    raise ValueError("begin " + "word " * payload + "end")


def refuse_to_end(payload: str, **more: Any) -> None:
    """Catch everything, and go on."""
    from mebench.api.progress import end_work

    while True:
        with contextlib.suppress(BaseException):
            end_work(payload)
            time.sleep(0.01)


def catch_all(payload: Path, **more: Any) -> None:
    """Catch everything, and go on without a sign of life."""
    write_pids(payload)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


def need_memory_alone(payload: Path, **more: Any) -> str:
    """At the second try there is enough."""
    if not payload.exists():
        import torch

        payload.touch()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return "done alone"
