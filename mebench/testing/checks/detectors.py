"""Does a detector score a client by its stream alone?"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.testing.checks.parts import require_resuming
from mebench.testing.faults import require
from mebench.testing.links.comparing import alike, difference, unlike_rows
from mebench.testing.links.sessions import HALF, STREAM, DetectorSession, each
from mebench.testing.links.stage import OTHER_SPECS
from mebench.testing.links.targets import DetectorUnderTest
from mebench.toolkit.rows import rows_of

BATCH_SIZES = (1, 7, 25)
BATCHES = 4


def scores_validly(target: DetectorUnderTest) -> str | None:
    """Many queries, one query and none get a score each, and within 60 queries there is one that is not NaN."""
    for rows in (STREAM, 1, 0):
        DetectorSession(target).batch(torch.arange(rows))
    scores = DetectorSession(target).scores()
    infinite = int(scores.isinf().sum())
    require(not infinite, f"{infinite} of {STREAM} scores are infinite")
    if bool(scores.isnan().all()):
        return f"has no score within {STREAM} queries: give it parameters with a shorter window"
    return None


def scores_on_other_inputs(target: DetectorUnderTest) -> str | None:
    """It works with 1 and 3 channels, 2 and 100 classes, and images of 7 x 9."""
    each(lambda stage: DetectorSession(target, stage).scores(), OTHER_SPECS)
    return None


def scores_alike_in_any_batches(target: DetectorUnderTest) -> str | None:
    """A stream gets the same scores whatever batches it comes in."""
    whole = DetectorSession(target).scores()
    for size in BATCH_SIZES:
        unlike = unlike_rows(whole, DetectorSession(target).scores(batch=size))
        require(not unlike, f"{unlike} of {STREAM} scores are others in batches of {size}")
    return None


def scores_repeatably(target: DetectorUnderTest) -> str | None:
    """The same stream gets the same scores from a detector made anew, whatever was drawn from global generators."""
    first, session = DetectorSession(target).scores(), DetectorSession(target)
    torch.rand(5)
    same = alike(first, session.scores())
    require(same, "scores otherwise the second time: draw from `context.random`, or from a generator of a client's own")
    return None


def watches_clients_apart(target: DetectorUnderTest) -> str | None:
    """What one client asks changes no score of another."""
    first, second = range(HALF), range(HALF, STREAM)
    alone = [DetectorSession(target).scores(rows) for rows in (first, second)]
    session = DetectorSession(target)
    watches = session.watch, session.detector.client()
    mixed: list[list[Tensor]] = [[], []]
    for start in range(0, HALF, 5):
        for number, rows in enumerate((first, second)):
            mixed[number].append(session.batch(torch.tensor(rows[start : start + 5]), watches[number]))
    for expected, found in zip(alone, mixed, strict=True):
        unlike = unlike_rows(expected, torch.cat(found))
        require(not unlike, f"{unlike} of {HALF} scores of a client are others while another client asks")
    return None


def leaves_queries_as_given(target: DetectorUnderTest) -> str | None:
    """It does not write into queries, labels or probabilities."""
    session, rows = DetectorSession(target), torch.arange(STREAM)
    queries, response, kept = session.queries.clone(), rows_of(session.response, rows), session.response
    session.watch.score(queries, response)
    pairs = {
        "queries": (session.queries, queries),
        "labels": (kept.labels, response.labels),
        "probabilities": (kept.probabilities, response.probabilities),
    }
    written = [word for word, pair in pairs.items() if difference(*pair, word)]
    require(not written, f"writes into the {' and the '.join(written)} that it is given")
    return None


def resumes_watching(target: DetectorUnderTest) -> str | None:
    """Stopped between two batches, saved, and loaded into the watch of a new client, it scores on as if it had not."""
    parts = torch.arange(STREAM).chunk(BATCHES)
    require_resuming(lambda: DetectorSession(target), lambda session, number: session.batch(parts[number]), BATCHES)
    return None
