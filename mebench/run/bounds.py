"""The most that a run can be asked for, on the command line as from Python."""

MOST_SECONDS = 1e9
MOST_WORKERS = 4_096
MOST_THREADS = 1_024
MOST_TRIES = 1_000
