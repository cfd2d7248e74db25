"""How well files are known to be the source's: sizes, structure, hashes, reading back."""

import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

import danmax_sync
from danmax_sync import Catalogue, UsageError, settings
from danmax_sync.sources.remotes import remove_remote
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.transfer.journal import Journal
from tests.api import outside
from tests.conftest import RunLine
from tests.journeys.places import age
from tests.needs import require_sshd


@pytest.fixture(params=["openssh", "paramiko"])
def fetched(
    request: pytest.FixtureRequest, sshd: RealSshd, visit: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Fetch LaB6 from a real sshd; return the destination."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, request.param)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd.ssh_config))
    run_line(["remote", "add", "far", sshd.url(visit)])
    run_line("index far")
    home = visit.parent / "home"
    run_line(["get", "LaB6", "--from", "far", "--to", str(home)])
    return home


def levels(home: Path) -> set[str]:
    """Return the levels the journal knows of the scans' files."""
    with Journal.open() as journal:
        return {one.level for path, one in journal.checked(home).items() if path.startswith("raw/")}


def flip(path: Path) -> None:
    """Change one byte of a channel's values, and nothing else about a master."""
    times = path.stat()
    with h5py.File(path, "r", locking=False) as file:
        at = file["entry/instrument/pcap_trigts/data"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_each_level_is_said_and_kept(fetched: Path, run_line: RunLine) -> None:
    """What `get` reached is noted; verify raises it, and a lower one later does not take it back."""
    assert levels(fetched) == {"structure"}
    assert run_line("verify LaB6 --hash --json").summary["levels"] == {"hash": 3}
    assert levels(fetched) == {"hash"}
    assert "3 read back and decompressed" in run_line("verify LaB6 --deep").err
    assert levels(fetched) == {"deep"}
    assert run_line("verify LaB6 --json").summary["levels"] == {"structure": 3}
    assert levels(fetched) == {"deep"}


@pytest.mark.parametrize("option", ["--hash", "--deep"])
def test_one_flipped_byte_is_found(option: str, fetched: Path, run_line: RunLine) -> None:
    """The structure is whole, size and time are the same: only these two see it, and name the file."""
    flip(fetched / "raw" / "LaB6" / "scan-0043.h5")
    ran = run_line(["verify", "LaB6", option], exit_code=6)
    assert "scan-0043.h5 is not what" in ran.err
    assert "3 sets: 2 ok, 1 failed" in ran.err


def test_python_has_the_level_of_hashes_too(fetched: Path) -> None:
    """The same comparison, level and fault; a set that is flipped is not counted."""
    with Catalogue.open() as catalogue:
        scans = catalogue.search("LaB6")
        assert outside.compare(catalogue, scans).levels == {"hash": 3}
        assert levels(fetched) == {"hash"}
        flip(fetched / "raw" / "LaB6" / "scan-0043.h5")
        checked = outside.compare(catalogue, scans)
        assert checked.levels == {"hash": 2}
        (fault,) = checked.faults
        assert fault.path == fetched / "raw" / "LaB6" / "scan-0043.h5"
        assert danmax_sync.verify(catalogue, fetched).ok == 3
        remove_remote("far")
        with pytest.raises(UsageError, match="no remote leads to sftp://"):
            outside.compare(catalogue, scans)


def test_a_file_that_was_written_to_is_not_good(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Its time tells a quick look, the checksums of what came a deep one; both say where, also in a folder."""
    home = tmp_path / "home"
    run_line(["get", "43", "--from", "usb", "--to", str(home)])
    run_line(["verify", str(home)])
    flip(home / "raw" / "LaB6" / "scan-0043.h5")
    os.utime(home / "raw" / "LaB6" / "scan-0043.h5")
    quick = run_line(["verify", str(home)], exit_code=6).err
    assert "scan-0043.h5 changed since it was fetched: written " in quick
    assert "verify --deep" in quick
    deep = run_line("verify 43 --deep", exit_code=6).err
    assert "scan-0043.h5 is not what came over the line: it differs somewhere in bytes 0 to " in deep


def test_a_file_that_was_only_touched_is_the_same_again(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Reading it back tells; from then on its new time is the known one."""
    home = tmp_path / "home"
    run_line(["get", "43", "--from", "usb", "--to", str(home)])
    age(home / "raw" / "LaB6" / "scan-0043.h5", days=1)
    run_line("verify 43", exit_code=6)
    assert run_line("verify 43 --deep --json").summary["levels"] == {"deep": 1}
    assert run_line("verify 43 --json").summary["levels"] == {"structure": 1}


def test_an_account_without_a_shell_computes_no_hashes(
    visit: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch, sshd_without_shell: RealSshd
) -> None:
    """The message says what does as well."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(sshd_without_shell.ssh_config))
    run_line(["remote", "add", "far", sshd_without_shell.url(visit)])
    run_line("index far")
    run_line(["get", "42", "--from", "far", "--to", str(tmp_path / "home")])
    ran = run_line("verify 42 --hash", exit_code=5)
    assert "far computes no hashes: the account there has no shell" in ran.err
    assert "verify --deep" in ran.err


def test_files_left_out_as_asked_are_not_missed(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Verify knows what was chosen; a file that is missing otherwise is a fault."""
    home = tmp_path / "home"
    run_line(["get", "44", "--from", "usb", "--to", str(home), "--no-detector", "falconx"])
    assert not (home / "raw" / "LaB6" / "scan-0044_falconx.h5").exists()
    run_line(["verify", str(home)])
    (home / "raw" / "LaB6" / "scan-0044_pilatus.h5").unlink()
    assert "scan-0044_pilatus.h5 is missing" in run_line(["verify", str(home)], exit_code=6).err


@pytest.fixture
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealSshd]:
    """Run the real sshd with few sessions on a login, and a shell."""
    require_sshd()
    with RealSshd(tmp_path / "narrow", options=(f"MaxSessions {request.param}",)) as server:
        yield server


@pytest.mark.parametrize(("carrier", "narrow"), [("openssh", 1), ("openssh", 2), ("paramiko", 1)], indirect=["narrow"])
def test_hashes_where_a_login_has_few_sessions(
    carrier: str, *, narrow: RealSshd, visit: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that looks at files makes room; where there is none for that either, it is not the shell's fault."""
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(narrow.ssh_config))
    run_line(["remote", "add", "far", narrow.url(visit)])
    run_line("index far")
    run_line(["get", "42", "--from", "far", "--to", str(tmp_path / "home")])
    if carrier == "openssh" and "MaxSessions 1" in narrow.log.with_name("sshd_config").read_text():
        ran = run_line("verify 42 --hash", exit_code=5)
        assert "allows no further session on this login, and a command there needs one" in ran.err
        assert "danmax-sync login NAME" in ran.err
        run_line("login far")
        try:
            assert run_line("verify 42 --hash --json").summary["levels"] == {"hash": 1}
        finally:
            run_line("logout far")
        return
    logins = narrow.logins
    assert run_line("verify 42 --hash --json").summary["levels"] == {"hash": 1}
    assert narrow.logins == logins + 1
