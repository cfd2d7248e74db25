"""One ``get`` at a time in a destination."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from danmax_sync.errors import UnfinishedError, UsageError
from danmax_sync.transfer.lock import only_one

HOLDER = """
import sys
from pathlib import Path
from danmax_sync.transfer.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """Even when that is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UnfinishedError, match="another danmax-sync is fetching into"), only_one(tmp_path):
            pytest.fail("two at once")
        with only_one(tmp_path / "another"):
            pass
        holder.kill()
        holder.wait()
    with only_one(tmp_path):
        pass


def test_a_destination_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written to"), only_one(tmp_path / "file" / "home"):
        pytest.fail("held")


def test_a_disk_without_locks_is_used_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have none."""
    fcntl = pytest.importorskip("fcntl")

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with only_one(tmp_path):
        pass
