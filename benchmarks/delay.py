"""A line to a server on this machine that takes its time: a TCP proxy that holds every byte for half a round trip.

It runs in a process of its own, so that it takes no time from whoever is measured; alone:
``python -m benchmarks.delay PORT MILLISECONDS``.
"""

import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HOST = "127.0.0.1"
_BLOCK = 1 << 18


@contextmanager
def delayed(port: int, round_trip_s: float) -> Iterator[int]:
    """Give a port on loopback that leads to another one, with a delay and no limit of bandwidth."""
    command = [sys.executable, "-m", "benchmarks.delay", str(port), str(round_trip_s * 1000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def main() -> None:
    """Serve until the parent ends."""
    port, delay_s = int(sys.argv[1]), float(sys.argv[2]) / 2000
    listener = socket.create_server((HOST, 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_serve, args=(listener, port, delay_s), daemon=True).start()
    # Ends with the process that started it.
    sys.stdin.read()


def _serve(listener: socket.socket, port: int, delay_s: float) -> None:
    while True:
        here, _ = listener.accept()
        there = socket.create_connection((HOST, port))
        for one in (here, there):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _Direction(here, there, delay_s)
        _Direction(there, here, delay_s)


class _Direction:
    """Passes bytes on, each block at its own time."""

    def __init__(self, source: socket.socket, target: socket.socket, delay_s: float) -> None:
        self._source, self._target, self._delay_s = source, target, delay_s
        self._line: deque[tuple[float, bytes]] = deque()
        self._changed = threading.Condition()
        for work in (self._take, self._give):
            threading.Thread(target=work, daemon=True).start()

    def _take(self) -> None:
        block = b"first"
        while block:
            try:
                block = self._source.recv(_BLOCK)
            except OSError:
                block = b""
            with self._changed:
                self._line.append((time.monotonic() + self._delay_s, block))
                self._changed.notify()

    def _give(self) -> None:
        while True:
            with self._changed:
                while not self._line:
                    self._changed.wait()
                due, block = self._line.popleft()
            time.sleep(max(0.0, due - time.monotonic()))
            with suppress(OSError):
                if not block:
                    self._target.shutdown(socket.SHUT_WR)
                    return
                self._target.sendall(block)


if __name__ == "__main__":
    main()
