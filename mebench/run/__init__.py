"""From a plan to processes: the runner, its engines, the state of a run and its display.

``mebench.run(FILE)`` runs a benchmark: see `mebench.report.notebook.run.run`.
"""

from mebench.api.lazy import callable_module

callable_module(__name__, "mebench.report.notebook.run:run")
