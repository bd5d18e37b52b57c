from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from without_torch import without_torch

SCRIPT = """
import json, os
from mebench.run.engine import Job, ProcessEngine

job = Job("where", "where", "engine_fakes:where")
print(json.dumps(ProcessEngine(["cpu"], 1).run([job])["where"].value))
"""


def worker_of(tmp_path: Path, **environment: str) -> dict:
    """What a worker sees that a fresh process starts from a script without a ``__main__`` guard."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    clean = {name: value for name, value in without_torch().items() if not name.startswith(("MALLOC_", "PYTHONHASH"))}
    done = subprocess.run(
        [sys.executable, script],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def is_glibc() -> bool:
    return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")


@pytest.mark.skipif(not is_glibc(), reason="the two variables are glibc's")
def test_a_worker_keeps_freed_memory_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    set_here = worker_of(tmp_path)["environment"]
    assert set_here["MALLOC_MMAP_THRESHOLD_"] == str(2**30)
    assert set_here["MALLOC_TRIM_THRESHOLD_"] == str(2**34)
    own = worker_of(tmp_path, MALLOC_TRIM_THRESHOLD_="5")["environment"]
    assert own["MALLOC_TRIM_THRESHOLD_"] == "5"
    off = worker_of(tmp_path, MEBENCH_MALLOC="default")["environment"]
    assert not any(name.startswith("MALLOC_") for name in off)


def test_strings_hash_alike_in_every_session(tmp_path: Path) -> None:
    assert worker_of(tmp_path)["hash"] == worker_of(tmp_path)["hash"]


def test_the_engine_does_not_import_torch_itself() -> None:
    code = (
        "import sys; from mebench.run.engine import Job, ProcessEngine\n"
        "ProcessEngine(['cpu']).run([Job('one', 'one', 'engine_fakes:double', 1)])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env=without_torch(), check=True)
