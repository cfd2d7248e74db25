"""Kill a real ``get`` over a real sshd at random moments, with files of several segments, and check what is left.

After each SIGKILL: every master that can be seen has its complete set beside it, byte for byte, and no file that was
complete is lost. Last, a run to the end must complete the tree, tidy up, and verify. Run as
``python -m benchmarks.kill_get --kills 200``; needs OpenSSH's sshd and a system with fork.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.visit import simulate_visit
from danmax_sync.transfer.arrival import PART_SUFFIX
from danmax_sync.transfer.segments import SEGMENT_BYTES
from tests.journeys.places import age, check_invariant, fetchable, needs_of, parts, tree

_PADDING = 2 * SEGMENT_BYTES + 12_345
"""Behind what HDF5 reads of a detector file, so that it has several segments."""


class _Forks:
    """The fork server of the tests: a run begins at once, without Python's start."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.forkserver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        self._answer()

    def start(self, argv: Sequence[str]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"argv": list(argv), "log": str(self._log)}) + "\n")
        self._process.stdin.flush()
        return int(self._answer()["pid"])

    def wait(self) -> int:
        return int(self._answer()["status"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text()
        answer: dict[str, int] = json.loads(line)
        return answer


def main() -> None:
    """Print a line a phase, and a summary."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--sets", type=int, default=4)
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--limit-rate", default="80M")
    options.add_argument("--minutes", type=float, default=12.0, help="give up after so long")
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else time.time_ns() % (1 << 30)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as scratch, RealSshd(Path(scratch) / "sshd") as server, _home(scratch, server):
        _kill(Path(scratch), server, chosen, chance)


def _kill(folder: Path, server: RealSshd, chosen: argparse.Namespace, chance: random.Random) -> None:
    source, home = folder / "20251234" / "2025110208", folder / "local"
    _write(source, chosen.sets, chance)
    links, wanted = needs_of(source), fetchable(source)
    total = sum(len(content) for content, _ in wanted.values())
    forks = _Forks(folder / "runs.log")
    get = ["get", "--from", "far", "--to", str(home), "--limit-rate", chosen.limit_rate]
    for words in (["remote", "add", "far", server.url(source)], ["index", "far"]):
        forks.start(words)
        assert forks.wait() == 0, (folder / "runs.log").read_text()
    began = time.monotonic()
    forks.start(get)
    assert forks.wait() == 0, (folder / "runs.log").read_text()
    length = time.monotonic() - began
    assert tree(home) == wanted
    print(f"{len(wanted)} files, {total / 1e6:.0f} MB; a run takes {length:.1f} s")

    killed = ended = rounds = with_parts = 0
    visible: set[int] = set()
    deadline = time.monotonic() + chosen.minutes * 60
    complete: set[str] = set(wanted)
    while killed < chosen.kills and time.monotonic() < deadline:
        if len(complete) == len(wanted):
            shutil.rmtree(home)
            rounds, complete = rounds + 1, set()
        pid = forks.start(get)
        time.sleep(length * chance.random())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        status = forks.wait()
        assert status in {0, -signal.SIGKILL}, (status, (folder / "runs.log").read_text())
        killed, ended = killed + (status != 0), ended + (status == 0)
        visible.add(check_invariant(home, source, links) if home.exists() else 0)
        with_parts += bool(parts(home))
        now = {name for name, content in tree(home).items() if wanted.get(name) == content}
        assert complete <= now, f"lost: {complete - now}"
        assert {name for name in tree(home) if not name.endswith(PART_SUFFIX)} == now, "a wrong file can be seen"
        complete = now
    assert killed >= chosen.kills, f"only {killed} kills within {chosen.minutes} minutes"

    forks.start(get)
    assert forks.wait() == 0, (folder / "runs.log").read_text()
    assert tree(home) == wanted
    assert parts(home) == []
    forks.start(["verify", str(home)])
    assert forks.wait() == 0, (folder / "runs.log").read_text()
    forks.close()
    print(
        f"{killed} kills ({ended} runs were faster), {rounds} times from nothing, {with_parts} with parts left behind, "
        f"{len(visible)} different numbers of masters seen; the invariant held, nothing was lost, the last run finished"
    )


def _write(source: Path, sets: int, chance: random.Random) -> None:
    simulate_visit(source, scans=sets, frames=2, seed=5, small=True)
    for path in source.joinpath("raw").rglob("*_pilatus.h5"):
        with path.open("ab") as file:
            file.write(chance.randbytes(_PADDING))
    for path in source.rglob("*"):
        age(path, days=1)


@contextlib.contextmanager
def _home(scratch: str, server: RealSshd) -> Iterator[None]:
    """Keep away from the settings of whoever runs this."""
    os.environ["DANMAX_SYNC_HOME"] = str(Path(scratch) / "settings")
    os.environ["DANMAX_SYNC_SSH_CONFIG"] = str(server.ssh_config)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    yield


if __name__ == "__main__":
    main()
