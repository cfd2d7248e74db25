"""The fork server for runs over Globus: what they need is there at once, batches are small, and nobody waits."""

import json
import sys

from danmax_sync.sources.globus import api, pace
from danmax_sync.transfer.globus import batches, mover
from tests.journeys.forkserver import serve

batches.MOST_FILES = 4
pace.PACE = pace.Pace(10_000)
api.FIRST_PAUSE_S = 0.01
mover.FIRST_POLL_S, mover.LONGEST_POLL_S = 0.05, 0.1


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(_say)
