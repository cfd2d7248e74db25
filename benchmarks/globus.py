"""Fetch 5 000 files in 1 000 sets over Globus, simulated on loopback: API calls, their rate, memory.

Run as ``python -m benchmarks.globus``; the command starts as a user's does, against `danmax_sync.testing.globus`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST, SERVER
from danmax_sync.testing.globus.server import Served

DETECTORS = ("pilatus", "falconx", "basler", "mythen")
SAMPLES = 10
LONG_AGO = 1_600_000_000


def write_sets(visit: Path, count: int) -> None:
    """Write masters with four detector files each, one frame in each, over ten sample folders."""
    frame = np.arange(400, dtype=np.int32).reshape(1, 20, 20)
    for number in range(count):
        folder = visit / "raw" / f"sample-{number * SAMPLES // count}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"scan-{number:04d}.h5"]
        with h5py.File(paths[0], "w") as master:
            entry = master.create_group("entry")
            entry["title"] = "ct 1"
            entry["start_time"] = f"2025-11-02T{number // 60 % 24:02d}:{number % 60:02d}:00+01:00"
            entry["end_time"] = "2025-12-01T00:00:00+01:00"
            instrument = entry.create_group("instrument")
            instrument.create_group("start_positioners")["hdcm_energy"] = 35.0
            for detector in DETECTORS:
                name = f"scan-{number:04d}_{detector}.h5"
                instrument[detector] = h5py.ExternalLink(name, f"/entry/instrument/{detector}")
                paths.append(folder / name)
        for detector, path in zip(DETECTORS, paths[1:], strict=True):
            with h5py.File(path, "w") as file:
                file[f"/entry/instrument/{detector}/data"] = frame + number
        for path in paths:
            os.utime(path, (LONG_AGO, LONG_AGO))


def run(*words: str, environment: dict[str, str]) -> None:
    """Run a command line as a process of its own."""
    command = [sys.executable, "-m", "danmax_sync", *words]
    subprocess.run(command, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)


def report(what: str, log: list[Served]) -> None:
    """Print how many calls there were to Transfer, and how many in the busiest second."""
    calls = [served for served in log if served.path.startswith("/v0.10")]
    polls = [served for served in calls if re.search(r"/task/[^/]+$", served.path)]
    times = sorted(served.time for served in calls)
    busiest = max((sum(0 <= other - one < 1 for other in times) for one in times), default=0)
    kinds = Counter(re.sub(r"[0-9a-f-]{36}", "*", f"{each.method} {each.path}") for each in calls)
    print(f"{what}: {len(calls) - len(polls)} calls beyond {len(polls)} polls, {busiest} in the busiest second")
    for kind, count in kinds.most_common():
        print(f"    {count:5d}  {kind}")


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", type=int, default=1000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        visit, home = folder / "20251234" / "2025110208", folder / "home"
        write_sets(visit, chosen.sets)
        lta = home / ".globusonline" / "lta"
        lta.mkdir(parents=True)
        here = Collection.personal()
        (lta / "client-id.txt").write_text(here.id, encoding="utf-8")
        (lta / "config-paths").write_text("/,0,1\n", encoding="utf-8")
        for https in (True, False):
            it = Collection(folder, "DanMAX", kind=SERVER if https else GUEST, https=https)
            with GlobusService([it, here]) as service:
                environment = {**service.unattended, "HOME": str(home), "DANMAX_SYNC_HOME": str(home / f"own-{https}")}
                uri = f"globus://{it.id}/{visit.parent.name}/{visit.name}"
                run("remote", "add", "maxiv", uri, environment=environment)
                for what, words in (("index", ["index", "maxiv"]), ("get", ["get", "--to", str(folder / "to")])):
                    service.log.clear()
                    run(*words, environment=environment)
                    report(f"{what} {'with' if https else 'without'} HTTPS", service.log)
                masters = len(list((folder / "to").glob("raw/*/scan-????.h5")))
                print(f"    {masters} complete sets came home")
                shutil.rmtree(folder / "to")
        if sys.platform != "win32":
            import resource

            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            print(f"largest process: {peak / (1024 if sys.platform != 'darwin' else 1024**2):.0f} MB")


if __name__ == "__main__":
    main()
