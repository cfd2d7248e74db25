"""A process that reads HDF5 files for an index run: ``python -m danmax_sync.indexing.worker``.

Malformed HDF5 can crash the library itself, and a crash then costs this process and one row, not the run. Jobs come in
on stdin and answers go out on stdout, each a length and a pickle: both ends are ours. It ends with its parent, whose
end closes stdin.
"""

import os
import pickle
import signal
import struct
import sys
import traceback
from typing import BinaryIO

from danmax_sync.indexing.jobs import Answer, Job, done

LENGTH = struct.Struct(">Q")
READY = "ready"
"""The first thing that a worker says."""
MEMORY_BYTES = 4 << 30
"""Of address space. A file that claims more is unreadable, where the system can hold a process to it."""


def send(stream: BinaryIO, item: object) -> None:
    """Write one item."""
    content = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO) -> object | None:
    """Read one item; None at the end of the stream, also in the middle of one."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = stream.read(length)
    return pickle.loads(content) if len(content) == length else None  # noqa: S301 - from our own other end


def main() -> None:
    """Answer jobs until there are no more."""
    # Ctrl-C goes to the whole group; the parent decides when it is enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Before the first job is there: it may have been started ahead of time.
    import danmax_sync.scanfile.master  # noqa: F401

    send(answers, READY)

    while (jobs := receive(sys.stdin.buffer)) is not None:
        for job in jobs:  # type: ignore[attr-defined]
            send(answers, _answer(job))


def _answer(job: Job) -> Answer:
    try:
        return done(job)
    except MemoryError:
        return Answer(problem=f"{job.path} claims more memory than it can have")
    except Exception:  # noqa: BLE001 - a bug here must not look like a crash of the library
        return Answer(problem=f"{job.path} could not be read because of a bug", bug=traceback.format_exc())


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))


if __name__ == "__main__":
    main()
