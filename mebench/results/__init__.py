"""Results on disk, and what is made of them: curves, leaderboards, comparisons, exports.

``mebench.results(DIR)`` opens results: see `mebench.report.notebook.results.results`.
"""

from mebench.api.lazy import callable_module

callable_module(__name__, "mebench.report.notebook.results:results")
