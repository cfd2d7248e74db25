"""Fetch over a real sshd: one large file, or many small ones, over loopback or a link that takes its time.

Needs Debian's openssh-server, and what is installed of rsync, rclone and lftp. Run as
``python -m benchmarks.get_rate --case loopback`` (or ``20ms``, ``100ms``, ``small``, ``many``, ``paramiko``,
``paramiko-20ms``). Everybody logs in, unless a row says otherwise. ``danmax-sync`` is what ``get`` does in a Python
that has started: log in, plan, fetch, verify, publish, tell the catalogue; the whole command is a row of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from benchmarks.delay import delayed
from benchmarks.masters import LONG_AGO, write_masters
from benchmarks.measure import compare
from danmax_sync.testing.opensshd import ALIAS, HOST, RealSshd
from danmax_sync.testing.visit import simulate_visit

CASES = {
    "loopback": (1024, 0.0),
    "20ms": (300, 20.0),
    "100ms": (300, 100.0),
    "small": (0, 20.0),
    "many": (0, 0.0),
    "paramiko": (300, 0.0),
    "paramiko-20ms": (300, 20.0),
}
"""MiB of the large file, 0 for small ones, and the round trip in ms."""


@dataclass
class Scene:
    """A visit behind a server, and a folder for copies."""

    folder: Path
    visit: Path
    server: RealSshd
    port: int
    config: Path
    copies: int = 0

    def target(self) -> Path:
        """Return a new folder to copy into."""
        self.copies += 1
        folder = self.folder / f"copy-{self.copies}"
        folder.mkdir()
        return folder


def main() -> None:
    """Print the table of a case."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--case", choices=sorted(CASES), default="loopback")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mib", type=int)
    options.add_argument("--masters", type=int)
    options.add_argument("--scratch", type=Path, help="a folder, best in memory: peers do not sync what they write")
    options.add_argument("--only", default="", help="rows that begin so, between commas")
    options.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        _child(*chosen.run)
        return
    mib, round_trip_ms = CASES[chosen.case]
    mib = chosen.mib or mib
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=chosen.scratch)))
        visit = scratch / "20251234" / "2025110208"
        if mib:
            size = _large(visit, mib)
        else:
            count = chosen.masters or (10_000 if chosen.case == "many" else 600)
            write_masters(visit, count)
            size = sum(path.stat().st_size for path in visit.rglob("*.h5"))
        server = stack.enter_context(RealSshd(scratch / "sshd"))
        port = stack.enter_context(delayed(server.port, round_trip_ms / 1000)) if round_trip_ms else server.port
        scene = Scene(scratch, visit, server, port, _config(scratch, server, port))
        _index(scene)
        what = f"{mib} MiB in one set" if mib else f"{count} masters"
        print(f"{chosen.case}: {what}, {round_trip_ms:g} ms, medians of {chosen.rounds}")
        peers = _paramiko_peers(scene) if "paramiko" in chosen.case else _peers(scene, small=not mib)
        wanted = tuple(chosen.only.split(","))
        peers = {name: run for name, run in peers.items() if name.startswith(wanted)}
        compare(peers, rounds=chosen.rounds, amount=size / 2**20, unit="MiB")


def _large(visit: Path, mib: int) -> int:
    """Write one scan whose frames are noise, uncompressed; return the bytes of the set."""
    simulate_visit(visit, scans=1, frames=4, small=True)
    (detector,) = visit.joinpath("raw").rglob("*_pilatus.h5")
    (master,) = (path for path in detector.parent.glob("scan-*.h5") if path != detector)
    frame = np.random.default_rng(1).integers(0, 2**31, size=(512, 512), dtype=np.int32)
    with h5py.File(detector, "w", locking=False) as file:
        group = file.create_group("entry/instrument/pilatus")
        data = group.create_dataset("data", (mib, 512, 512), np.int32, chunks=(1, 512, 512))
        for number in range(mib):
            data[number] = np.roll(frame, number)
    for path in visit.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return detector.stat().st_size + master.stat().st_size


def _config(scratch: Path, server: RealSshd, port: int) -> Path:
    config = scratch / "ssh_config"
    text = server.ssh_config.read_text(encoding="utf-8").replace(f"Port {server.port}", f"Port {port}")
    config.write_text(text, encoding="utf-8")
    hosts = server.known_hosts.read_text(encoding="utf-8")
    server.known_hosts.write_text(hosts + hosts.replace(f":{server.port}", f":{port}"), encoding="utf-8")
    return config


def _environment(scene: Scene, carrier: str = "openssh") -> dict[str, str]:
    return os.environ | {
        "DANMAX_SYNC_HOME": str(scene.folder / "home"),
        "DANMAX_SYNC_SSH_CONFIG": str(scene.config),
        "DANMAX_SYNC_SSH": carrier,
        "XDG_RUNTIME_DIR": str(scene.folder),
    }


def _tool(scene: Scene, *words: str, carrier: str = "openssh") -> None:
    command = [sys.executable, "-m", "danmax_sync", *words]
    subprocess.run(command, check=True, env=_environment(scene, carrier), stdout=subprocess.DEVNULL, stderr=sys.stdout)


def _index(scene: Scene) -> None:
    _tool(scene, "remote", "add", "far", scene.server.url(scene.visit))
    _tool(scene, "index", "far", "--json")


def _peers(scene: Scene, *, small: bool) -> dict[str, Callable[[], object]]:
    config, visit = str(scene.config), scene.visit
    ssh = f"ssh -F {config}"
    raw = f"{visit}/raw"

    def copied(*command: str) -> Callable[[], object]:
        def run() -> None:
            target = str(scene.target())
            subprocess.run([word.replace("TARGET", target) for word in command], check=True, stdout=subprocess.DEVNULL)
            shutil.rmtree(target)

        return run

    alternatives: dict[str, Callable[[], object]] = {
        "OpenSSH sftp": copied("sftp", "-q", "-r", "-F", config, f"{ALIAS}:{raw}", "TARGET"),
        "scp": copied("scp", "-q", "-r", "-F", config, f"{ALIAS}:{raw}", "TARGET"),
    }
    if not small:
        (large,) = visit.joinpath("raw").rglob("*_pilatus.h5")
        for cipher in ("aes128-gcm@openssh.com",):
            line = f"{ssh} -c {cipher} {ALIAS} cat {large} > TARGET/file"
            alternatives[f"ssh cat, {cipher.split('@')[0]}"] = copied("sh", "-c", line)
    if shutil.which("rsync"):
        alternatives["rsync"] = copied("rsync", "-a", "-e", ssh, f"{ALIAS}:{raw}", "TARGET")
    if shutil.which("rclone"):
        remote = f":sftp,host={HOST},port={scene.port},user={scene.server.user},key_file={scene.server.identity}:{raw}"
        alternatives["rclone"] = copied("rclone", "copy", "--config", "", remote, "TARGET")
    if shutil.which("lftp"):
        orders = f"mirror -P 8 {raw} TARGET" if small else f"pget -n 4 {large} -o TARGET/file"
        connect = f'set sftp:connect-program "ssh -a -x -F {config}"; set xfer:log no'
        alternatives["lftp"] = copied("lftp", "-c", f"{connect}; open sftp://{ALIAS}; {orders}")
    alternatives["danmax-sync"] = lambda: _measured(scene, "openssh", login=False)
    alternatives["danmax-sync, on a kept login"] = lambda: _measured(scene, "openssh", login=True)
    alternatives["danmax-sync get, the whole command"] = lambda: _whole(scene)
    return alternatives


def _paramiko_peers(scene: Scene) -> dict[str, Callable[[], object]]:
    return {
        "paramiko.SFTPClient.get()": lambda: _measured(scene, "peer", login=False),
        "danmax-sync": lambda: _measured(scene, "paramiko", login=False),
    }


def _measured(scene: Scene, how: str, *, login: bool) -> float:
    """Run one fetch in a Python of its own; return the seconds it took after its imports."""
    target = scene.target()
    if login:
        _tool(scene, "login", "far")
    command = [
        sys.executable,
        "-m",
        "benchmarks.get_rate",
        "--run",
        how,
        str(scene.visit),
        str(target),
        str(scene.port),
    ]
    environment = _environment(scene, "openssh" if how == "openssh" else "paramiko")
    environment["DANMAX_BENCH_KEY"] = str(scene.server.identity)
    told = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout
    if login:
        _tool(scene, "logout", "far")
    shutil.rmtree(target)
    return float(told.split()[-1])


def _whole(scene: Scene) -> None:
    target = scene.target()
    _tool(scene, "get", "--from", "far", "--to", str(target), "--no-calibration", "--json")
    shutil.rmtree(target)


def _child(how: str, visit: str, target: str, port: str) -> None:
    if how == "peer":
        print(_peer(Path(visit), Path(target), int(port)))
        return
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.query.search import search
    from danmax_sync.sources.opening import open_source
    from danmax_sync.sources.remotes import find_remote
    from danmax_sync.sources.ssh import NoTerminal
    from danmax_sync.transfer.fetching import fetch_scans, plan_scans

    import paramiko  # noqa: F401  # isort: skip - as the peer has it

    started = time.perf_counter()
    with Catalogue.open() as catalogue:
        scans = search(catalogue, "")
        with open_source(find_remote("far"), NoTerminal(), with_lanes=True) as source:
            plan = plan_scans(catalogue, source, scans, Path(target), with_calibration=False)
            summary = fetch_scans(catalogue, source, plan)
    took = time.perf_counter() - started
    assert summary.exit_code == 0, summary.outcomes
    print(took)


def _peer(visit: Path, target: Path, port: int) -> float:
    """Fetch the large file as users of paramiko do."""
    import paramiko

    (large,) = visit.joinpath("raw").rglob("*_pilatus.h5")
    key = paramiko.Ed25519Key.from_private_key_file(os.environ["DANMAX_BENCH_KEY"])
    started = time.perf_counter()
    with paramiko.Transport((HOST, port)) as transport:
        import getpass

        transport.connect(username=getpass.getuser(), pkey=key)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        client.get(str(large), str(target / "file"))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
