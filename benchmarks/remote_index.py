"""Index a remote of 600 masters of 140 kB over a link of 20 ms, against rsync of the same files.

Needs Debian's openssh-server and rsync. Run as ``python -m benchmarks.remote_index``; both start as commands do.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.delay import delayed
from benchmarks.masters import write_masters
from benchmarks.measure import compare
from danmax_sync.testing.opensshd import RealSshd


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--masters", type=int, default=600)
    options.add_argument("--round-trip-ms", type=float, default=20)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch, RealSshd(Path(scratch) / "sshd") as server:
        folder = Path(scratch)
        visit = folder / "20251234" / "2025110208"
        write_masters(visit, chosen.masters)
        with delayed(server.port, chosen.round_trip_ms / 1000) as port:
            config = folder / "ssh_config"
            text = server.ssh_config.read_text(encoding="utf-8").replace(f"Port {server.port}", f"Port {port}")
            config.write_text(text, encoding="utf-8")
            hosts = server.known_hosts.read_text(encoding="utf-8")
            server.known_hosts.write_text(hosts + hosts.replace(f":{server.port}", f":{port}"), encoding="utf-8")
            made = iter(range(1000))
            # As installed: with its bytecode, which some environments for development forbid.
            usual = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

            def rsync() -> None:
                target = folder / f"copy-{next(made)}"
                command = ["rsync", "-a", "-e", f"ssh -F {config}", f"facility:{visit}/raw", f"{target}/"]
                subprocess.run(command, check=True)
                shutil.rmtree(target)

            def index() -> None:
                home = folder / f"home-{next(made)}"
                environment = usual | {"DANMAX_SYNC_HOME": str(home), "DANMAX_SYNC_SSH_CONFIG": str(config)}
                for words in (["remote", "add", "far", server.url(visit)], ["index", "far", "--json"]):
                    subprocess.run(
                        [sys.executable, "-m", "danmax_sync", *words],
                        check=True,
                        env=environment,
                        stdout=subprocess.DEVNULL,
                    )

            def adding_alone() -> None:
                home = folder / f"home-{next(made)}"
                subprocess.run(
                    [sys.executable, "-m", "danmax_sync", "remote", "add", "far", server.url(visit)],
                    check=True,
                    env=usual | {"DANMAX_SYNC_HOME": str(home)},
                    stdout=subprocess.DEVNULL,
                )

            index()
            compare(
                {
                    "rsync -a of the masters": rsync,
                    "danmax-sync remote add, index": index,
                    "danmax-sync remote add alone": adding_alone,
                },
                rounds=chosen.rounds,
                amount=chosen.masters,
                unit="masters",
            )


if __name__ == "__main__":
    main()
