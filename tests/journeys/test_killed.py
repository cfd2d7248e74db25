"""A ``get`` killed at any moment never shows a master without its detector files; run again, it ends complete."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.visit import SimulatedVisit, simulate_visit
from tests.conftest import RunLine
from tests.journeys.places import (
    DANMAX_SYNC,
    age,
    check_invariant,
    copied,
    fetchable,
    needs_of,
    parts,
    tree,
)

KILLS = int(os.environ.get("DANMAX_SYNC_KILLS", "25"))
"""How many random moments; more for a long run by hand."""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes are forked and killed by SIGKILL")


@dataclass
class Runner:
    """The fork server, and what a run came to."""

    process: subprocess.Popen[str]
    log: Path

    def start(self, argv: Sequence[str], **more: object) -> int:
        """Start a run and return its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"argv": list(argv), "log": str(self.log), **more}) + "\n")
        self.process.stdin.flush()
        return int(self._answer()["pid"])

    def wait(self) -> tuple[int, int]:
        """Return the exit code, negative for a signal, and how often the run touched the file system."""
        answer = self._answer()
        return answer["status"], answer["touched"]

    def run(self, argv: Sequence[str], **more: object) -> tuple[int, int]:
        """Run to the end."""
        self.start(argv, **more)
        return self.wait()

    def _answer(self) -> dict[str, int]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        answer: dict[str, int] = json.loads(line)
        return answer


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """Start the fork server, in this test's surroundings."""
    log = tmp_path / "runs.log"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.forkserver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
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


@pytest.fixture(scope="module")
def many_sets(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Make a visit of 8 complete sets of two frames."""
    folder = tmp_path_factory.mktemp("many") / "20251234" / "2025110208"
    visit = simulate_visit(folder, scans=8, frames=2, seed=5, small=True)
    for path in folder.rglob("*"):
        age(path, days=1)
    return visit


def test_killed_at_many_random_moments(
    runner: Runner, many_sets: SimulatedVisit, tmp_path: Path, run_line: RunLine
) -> None:
    """After each kill every master that can be seen is complete; the last run completes the tree and tidies up."""
    source, home = many_sets.folder, tmp_path / "home"
    run_line(["remote", "add", "usb", source.as_uri()])
    run_line("index usb")
    # Slow enough that sets come one after the other.
    get = ["get", "--from", "usb", "--to", str(home), "--limit-rate", "600k"]
    links, wanted = needs_of(source), fetchable(source)
    started = time.monotonic()
    assert runner.run(get)[0] == 0, runner.log.read_text()
    length = time.monotonic() - started
    assert tree(home) == wanted

    seen, killed = set(), 0
    for place in _shuffled(KILLS):
        if check_invariant(home, source, links) == len(links):
            shutil.rmtree(home)
        pid = runner.start(get)
        time.sleep(length * (place + random.random()) / KILLS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed += runner.wait()[0] == -signal.SIGKILL
        seen.add(check_invariant(home, source, links))
    assert killed > KILLS // 3, "hardly any kill hit a run"
    assert len(seen) > 3, "the kills did not hit different moments"

    assert runner.run(get)[0] == 0, runner.log.read_text()
    assert tree(home) == wanted
    assert parts(home) == []
    assert runner.run(["verify", str(home)])[0] == 0


def _shuffled(count: int) -> list[int]:
    places = list(range(count))
    random.shuffle(places)
    return places


def test_killed_before_every_single_step(
    runner: Runner, small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine
) -> None:
    """Between any two touches of the destination the invariant holds, and the next run completes and tidies up."""
    source, home = copied(small_visit.folder, tmp_path / "20251234" / "2025110208"), tmp_path / "home"
    run_line(["remote", "add", "usb", source.as_uri()])
    run_line("index usb")
    # Scan 44 has two detector files.
    get = ["get", "44", "--from", "usb", "--to", str(home), "--no-calibration"]
    links = needs_of(source)
    wanted = {f"raw/LaB6/scan-0044{end}.h5" for end in ("", "_pilatus", "_falconx")}
    code, touches = runner.run(get, below=str(home))
    assert (code, set(tree(home))) == (0, wanted)
    assert touches > 15

    for step in range(1, touches + 1):
        shutil.rmtree(home)
        code, _ = runner.run(get, below=str(home), die_before=step)
        assert code == -signal.SIGKILL
        check_invariant(home, source, links)
        assert runner.run(get)[0] == 0, runner.log.read_text()
        assert check_invariant(home, source, links) == 1
        assert set(tree(home)) == wanted, f"killed before step {step}"


@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_the_real_command_killed_over_ssh(
    carrier: str,
    *,
    sshd: RealSshd,
    many_sets: SimulatedVisit,
    tmp_path: Path,
    run_line: RunLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same holds for the whole process over a real sshd, and no ssh of a killed run lives on."""
    source, home = many_sets.folder, tmp_path / "home"
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
    run_line(["remote", "add", "danmax", sshd.url(source)])
    run_line("index danmax")
    links = needs_of(source)
    command = [*DANMAX_SYNC, "get", "--from", "danmax", "--to", str(home), "--json", "--limit-rate", "1M"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # Its own events tell how far it is, so that the moment does not hang on this machine's speed.
        heard = (line for line in process.stdout if '"event": "set"' in line)
        for _ in range(3):
            next(heard)
        process.kill()
    assert 3 <= check_invariant(home, source, links) < len(links)
    assert _ssh_to(sshd) == []
    last = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    assert last.returncode == 0, last.stderr
    assert tree(home) == fetchable(source)
    assert parts(home) == []


def _ssh_to(sshd: RealSshd) -> list[str]:
    """Return the ssh clients of this server that still run after a moment."""
    deadline = time.monotonic() + 5
    while True:
        listed = subprocess.run(["ps", "-A", "-o", "args="], check=True, capture_output=True, text=True).stdout
        left = [line for line in listed.splitlines() if str(sshd.ssh_config) in line and line.startswith("ssh ")]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)
