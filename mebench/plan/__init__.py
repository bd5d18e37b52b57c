"""From a benchmark file to trials: reading and checking it, its grid, what would run, how long it takes.

``mebench.plan(FILE)`` shows what would run: see `mebench.report.notebook.plan.plan`.
"""

from mebench.api.lazy import callable_module

callable_module(__name__, "mebench.report.notebook.plan:plan")
