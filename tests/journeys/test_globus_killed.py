"""A ``get`` over Globus killed at any moment: no master without its set, no file in two tasks, the next run ends it."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.testing.globus import Answer, Collection, Fault, GlobusService, Slow
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.testing.globus.faults import LostAnswerError, Request
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer.globus.staged import FOLDER
from danmax_sync.transfer.globus.tasklog import TaskLog
from tests.conftest import RunLine
from tests.journeys.places import check_invariant, fetchable, needs_of, parts, tree
from tests.journeys.test_killed import Runner, _shuffled, many_sets
from tests.sources.globus.places import pointed_at, set_up_personal

KILLS = int(os.environ.get("DANMAX_SYNC_KILLS", "4"))
"""How many random moments; more for a long run by hand."""
eight_sets = many_sets
"""The fixture of a visit of eight complete sets, made once for all tests of this module."""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes are forked and killed by SIGKILL")


class KillAt(Fault):
    """Kill the client at one of its requests: before the service acts on it, or after, so that the answer is lost.

    Attributes
    ----------
    kinds : dict
        The number of the first request of each kind.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.number = 0
        self.after_acting = False
        self.seen = 0
        self.kinds: dict[str, int] = {}
        self._lock = threading.Lock()

    def before(self, request: Request) -> Answer | None:
        """Count, and kill."""
        with self._lock:
            self.seen += 1
            kind = re.sub(r"[0-9a-f-]{36}", "*", f"{request.method} {request.path}")
            self.kinds.setdefault(kind, self.seen)
            due = self.seen == self.number
        if due and not self.after_acting:
            self._kill()
        return None

    def after(self, request: Request, answer: Answer) -> Answer:
        """Kill."""
        if self.after_acting and self.seen == self.number:
            self._kill()
        return answer

    def _kill(self) -> None:
        while not self.pid:
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        raise LostAnswerError


@pytest.fixture
def service(eight_sets: SimulatedVisit, tmp_path: Path, run_line: RunLine) -> Iterator[GlobusService]:
    """Serve a visit of eight complete sets, added and indexed as ``maxiv``."""
    folder = eight_sets.folder
    it = Collection(folder.parents[1], "DanMAX", kind=GUEST, https=True)
    with pointed_at(GlobusService([it, set_up_personal(writable="/")])) as service:
        run_line(f"remote add maxiv globus://{it.id}/{folder.parent.name}/{folder.name}")
        run_line("index maxiv")
        yield service


@pytest.fixture
def runner(service: GlobusService, tmp_path: Path) -> Iterator[Runner]:
    """Start the fork server, in the surroundings of the service."""
    log = tmp_path / "runs.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.globus_forkserver"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    one = Runner(process, log)
    try:
        assert one._answer() == {"ready": True}
        yield one
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def check_no_file_twice(service: GlobusService) -> None:
    """Check that no file was ever in two tasks."""
    counted = Counter(item["source_path"] for task in service.tasks.all.values() for item in task.items)
    assert max(counted.values(), default=0) <= 1, counted.most_common(3)


def start_anew(service: GlobusService, home: Path) -> None:
    """Forget what came home, and every task."""
    for task in list(service.tasks.all.values()):
        service.tasks.cancel(task)
    with TaskLog.open() as log:
        log.forget([kept.batch for kept in log.batches()])
    service.tasks.all.clear()
    shutil.rmtree(home, ignore_errors=True)


def test_killed_at_many_random_moments_over_globus(
    service: GlobusService,
    runner: Runner,
    eight_sets: SimulatedVisit,
    tmp_path: Path,
) -> None:
    """After each kill every master that can be seen is complete; the last run completes the tree and tidies up."""
    source, home = eight_sets.folder, tmp_path / "home"
    get = ["get", "--from", "maxiv", "--to", str(home)]
    links, wanted = needs_of(source), fetchable(source)
    service.faults.append(Slow(seconds=0.05))
    started = time.monotonic()
    assert runner.run(get)[0] == 0, runner.log.read_text()
    length = time.monotonic() - started
    assert tree(home) == wanted

    killed = 0
    for place in _shuffled(KILLS):
        if check_invariant(home, source, links) == len(links):
            start_anew(service, home)
        pid = runner.start(get)
        time.sleep(length * (place + random.random()) / KILLS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed += runner.wait()[0] == -signal.SIGKILL
        check_invariant(home, source, links)
        check_no_file_twice(service)
    assert killed > KILLS // 3, "hardly any kill hit a run"
    assert runner.run(get)[0] == 0, runner.log.read_text()
    assert tree(home) == wanted
    assert parts(home) == []
    assert not (home / FOLDER).exists()
    check_no_file_twice(service)


@pytest.mark.parametrize("after_acting", [False, True], ids=["before", "after"])
def test_killed_at_each_of_its_requests(
    service: GlobusService,
    runner: Runner,
    eight_sets: SimulatedVisit,
    tmp_path: Path,
    *,
    after_acting: bool,
) -> None:
    """Whether Globus had acted on it already or not; the submission above all."""
    source, home = eight_sets.folder, tmp_path / "home"
    get = ["get", "42-45", "--from", "maxiv", "--to", str(home), "--no-calibration"]
    links = needs_of(source)
    killing = KillAt()
    service.faults.append(killing)
    killing.after_acting = after_acting
    assert runner.run(get)[0] == 0, runner.log.read_text()
    assert {"GET /v0.10/submission_id", "POST /v0.10/transfer", "GET /v0.10/task/*"} <= set(killing.kinds)
    around_the_task = [number for kind, number in killing.kinds.items() if kind.endswith(("_id", "transfer", "task/*"))]
    for number in range(1, killing.seen + 1) if killing.seen < KILLS else around_the_task:
        start_anew(service, home)
        killing.pid, killing.seen, killing.number = 0, 0, number
        killing.pid = runner.start(get)
        code = runner.wait()[0]
        assert code in {0, -signal.SIGKILL}  # the last polls are not always as many
        check_invariant(home, source, links)
        killing.number = -1
        assert runner.run(get)[0] == 0, runner.log.read_text()
        assert check_invariant(home, source, links) == 4
        check_no_file_twice(service)
        assert parts(home) == []
        assert not (home / FOLDER).exists()


def test_killed_between_touches_of_the_destination(
    service: GlobusService, runner: Runner, eight_sets: SimulatedVisit, tmp_path: Path
) -> None:
    """While files land, get names, are forgotten; the next run completes and tidies up, and nothing is sent twice."""
    source, home = eight_sets.folder, tmp_path / "home"
    get = ["get", "44", "--from", "maxiv", "--to", str(home), "--no-calibration"]
    links = needs_of(source)
    master = next(name for name in links if name.endswith("scan-0044.h5"))
    wanted = {master, *links[master]}
    code, touches = runner.run(get, below=str(home))
    assert (code, set(tree(home))) == (0, wanted)
    assert touches > 15
    stride = max(1, touches // KILLS)
    for step in range(random.randint(1, stride), touches + 1, stride):
        start_anew(service, home)
        code, _ = runner.run(get, below=str(home), die_before=step)
        assert code in {0, -signal.SIGKILL}
        check_invariant(home, source, links)
        assert runner.run(get)[0] == 0, runner.log.read_text()
        assert check_invariant(home, source, links) == 1
        assert set(tree(home)) == wanted, f"killed before step {step}"
        check_no_file_twice(service)
