"""Runs jobs on the workers of a dask cluster: a local one, one that is there, or one that a batch system starts.

``engine`` decides which worker runs which job, so that a job of a lost worker goes on elsewhere with what is known of
it by then. On a worker, ``worker`` runs it in a process of its own, by the engine that one machine has. ``calls`` is
what they say to each other. ``host`` is the program that a local cluster and a batch system's live in.
"""
