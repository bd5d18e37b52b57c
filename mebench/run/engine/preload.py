"""Imported once by the fork server, so that every worker starts with what trials use in memory.

It only imports and looks up: a tensor operation here would start threads that a fork does not survive. An import that
fails is left to the worker, which then reports it with its traceback.

What a worker that is killed leaves behind falls to the fork server; the engine ends it, or else the fork server's end.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
import warnings

from mebench.run.engine.descendants import adopt_orphans, end_descendants

gc.disable()  # all that is imported stays: looking for what could go takes a seventh of the time, and finds nothing
gc.freeze()  # what there is by now, which is soon counted

with contextlib.suppress(Exception):
    from mebench.guard.python_settings import begun_frozen

    begun_frozen()  # every worker would count all that is frozen below, in 40 ms or more

if adopt_orphans():
    warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # those that it has adopted
    atexit.register(end_descendants)

with contextlib.suppress(Exception):
    import mebench.trial.trial

with contextlib.suppress(Exception):
    import torch._dynamo  # noqa: F401 (the first optimiser of every process imports it, in about a second)

with contextlib.suppress(Exception):
    import mebench.data.torchvision_compat

    mebench.data.torchvision_compat.import_torchvision()
    import PIL.PngImagePlugin  # noqa: F401 (which torchvision writes pictures with)

with contextlib.suppress(Exception):  # what is imported in the course of most trials
    import mebench.models.networks.generator
    import mebench.oracle.channels.answers
    import mebench.toolkit.learners.online
    import mebench.toolkit.reservoir
    import mebench.toolkit.strategies.generator

# What each worker would look up anew.
with contextlib.suppress(Exception):
    mebench.registry.catalogue.registry()

with contextlib.suppress(Exception):
    mebench.trial.provenance.versions()

with contextlib.suppress(Exception):
    mebench.guard.definitions.Definitions()

with contextlib.suppress(Exception):
    if (shipped := mebench.data.layouts.FASHION_MNIST_10K.embedded) is not None:
        mebench.data.idx.read_ahead(shipped)  # 8 MB

# Collections in workers leave alone what they share: looking at it would copy 75 MB of memory in each.
gc.freeze()
gc.enable()
# At its own end the server frees all of it where Triton is loaded, which complains on stderr of what it finds left.
if "triton" in sys.modules:
    atexit.register(gc.unfreeze)
