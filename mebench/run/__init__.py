"""From a plan to processes: the runner, its engines, the state of a run and its display."""
