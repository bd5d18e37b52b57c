"""A batch system of three programs: jobs run at once on this machine, and are ended with all that they have started."""

from __future__ import annotations

from pathlib import Path

SBATCH = """#!/bin/sh
# sbatch FILE: run a copy of the script, whose writer deletes it, in a session of its own
number=$(( $(ls "{folder}/jobs" | wc -l) + 1 ))
cp "$1" "{folder}/jobs/$number.sh"
setsid sh "{folder}/jobs/$number.sh" > "{folder}/$number.out" 2>&1 < /dev/null &
echo $! > "{folder}/$number.pid"
echo "Submitted batch job $number"
"""
SCANCEL = """#!/bin/sh
# scancel NUMBER: as Slurm, SIGTERM to the job
for number in "$@"; do
  touch "{folder}/$number.cancelled"
  kill -TERM -- "-$(cat "{folder}/$number.pid")" 2> /dev/null
done
exit 0
"""
SQUEUE = """#!/bin/sh
ls "{folder}/jobs"
"""


def install(folder: Path) -> Path:
    """Write the programs; return the folder that belongs on PATH."""
    (folder / "jobs").mkdir(parents=True)
    programs = folder / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL), ("squeue", SQUEUE)):
        (programs / name).write_text(text.replace("{folder}", str(folder)))
        (programs / name).chmod(0o755)
    return programs


def processes(folder: Path) -> list[int]:
    """The processes that jobs were started as."""
    return [int(path.read_text()) for path in folder.glob("*.pid")]
