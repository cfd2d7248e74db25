"""Peak memory of a mover over the real sshd on loopback: one huge file, and very many small ones, against ``sftp -r``.

The huge file is sparse at the source. Each run is a process of its own, whose peak is asked of the system when it has
ended. Run as ``python -m benchmarks.get_memory``; needs OpenSSH's sshd and sftp.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from danmax_sync.testing.opensshd import RealSshd

SPARE = 4 << 30

MOVE = """
import sys, time
from pathlib import Path
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.remotes import checked_remote
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.transfer.arrival import part_of
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.mover import Wanted
from danmax_sync.transfer.plan import FileState, PlannedFile
from danmax_sync.transfer.publishing import name
from danmax_sync.transfer.streams import StreamMover
from danmax_sync.visits import TreePath

url, home = sys.argv[1], Path(sys.argv[2])
with open_source(checked_remote("far", url), NoTerminal()) as source, Journal.open() as journal:
    files = [PlannedFile(info.path, info.size, info.mtime_ns, FileState.FETCH) for info in source.walk(print)]
    wanted = [Wanted(file, file.path.below(home)) for file in files]
    left = len(wanted)
    for landed in StreamMover(source, home, journal).move(wanted, moved=lambda *_: None):
        if landed is not None:
            assert landed.problem is None, landed.problem
            name(landed.wanted.file, home)
            left -= 1
    assert left == 0
"""


def main() -> None:
    """Print peak and time of each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=float, default=10.0, help="GiB of the huge file")
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--folder", type=Path, default=None, help="where there is room")
    options.add_argument("--rounds", type=int, default=3, help="of the small files")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch, RealSshd(Path(scratch) / "sshd") as server:
        folder = Path(scratch)
        os.environ["DANMAX_SYNC_HOME"] = str(folder / "settings")
        os.environ["DANMAX_SYNC_SSH_CONFIG"] = str(server.ssh_config)
        os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
        (folder / "settings").mkdir()
        _huge(folder, server, chosen.size)
        _many(folder, server, chosen.files, chosen.rounds)


def _huge(folder: Path, server: RealSshd, gib: float) -> None:
    source, home = folder / "huge", folder / "home"
    source.mkdir()
    free = shutil.disk_usage(folder).free - SPARE
    size = min(int(gib * (1 << 30)), free)
    with (source / "scan-0001_pilatus.h5").open("wb") as file:
        file.truncate(size)
    peak_mb, seconds = _run([sys.executable, "-c", MOVE, server.url(source), str(home)])
    assert (home / "scan-0001_pilatus.h5").stat().st_size == size
    shutil.rmtree(home)
    print(
        f"1 file of {size / (1 << 30):.1f} GiB: {seconds:7.1f} s, {size / 1e6 / seconds:6.0f} MB/s, {peak_mb:6.0f} MB"
    )


def _many(folder: Path, server: RealSshd, count: int, rounds: int) -> None:
    source = folder / "many"
    for number in range(count):
        file = source / f"raw/sample-{number // 1000}/scan-{number:05}.h5"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%04d" % number * 256)
    ours, theirs = [], []
    for number in range(rounds):
        home = folder / f"ours-{number}"
        ours.append(_run([sys.executable, "-c", MOVE, server.url(source), str(home)]))
        assert sum(path.is_file() for path in home.rglob("*.h5")) == count
        shutil.rmtree(home)
        home = folder / f"theirs-{number}"
        command = ["sftp", "-q", "-p", "-r", "-F", str(server.ssh_config), f"facility:{source}", str(home)]
        theirs.append(_run(command))
        shutil.rmtree(home)
    for what, runs in (("danmax-sync", ours), ("sftp -r", theirs)):
        peak_mb, seconds = max(run[0] for run in runs), sorted(run[1] for run in runs)[len(runs) // 2]
        print(f"{count} files of 1 kB, {what:<12}: {seconds:7.1f} s, {count / seconds:6.0f} files/s, {peak_mb:6.0f} MB")


def _run(command: list[str]) -> tuple[float, float]:
    """Run a process; return the peak of its own memory in MB, and the seconds it took."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    # Kilobytes, but on macOS.
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3 / 1.024), seconds


if __name__ == "__main__":
    main()
