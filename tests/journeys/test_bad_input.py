"""What goes wrong in ordinary life ends in one clear sentence, the next step, the right exit code, and no traceback."""

import errno
import os
import re
import shutil
import socket
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.cli import context
from danmax_sync.cli.entry import run
from danmax_sync.sources import remotes
from danmax_sync.testing.opensshd import RealSshd
from danmax_sync.testing.visit import Awkward, SimulatedVisit, simulate_visit
from tests.conftest import Ran, RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import Person


@pytest.fixture(scope="session")
def awkward_visit(tmp_path_factory: pytest.TempPathFactory) -> SimulatedVisit:
    """Make a visit with everything that goes wrong; one good scan, 42. Read only."""
    folder = tmp_path_factory.mktemp("awkward") / "20251234" / "2025110208"
    return simulate_visit(folder, scans=1, frames=4, seed=2, awkward=list(Awkward), small=True)


def complaint(ran: Ran) -> str:
    """Return the one sentence of a run that ended with an error; a hint may stand below it."""
    lines = ran.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, ran.err
    assert all(line.startswith(("error: ", "  ")) for line in lines), ran.err
    assert ran.out == ""
    return errors[0].removeprefix("error: ")


def test_an_awkward_visit_as_a_whole(awkward_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine) -> None:
    """Unreadable masters, dangling and leaving links and a running scan are named and left out; the rest comes home."""
    home = tmp_path / "home"
    run_line(["remote", "add", "usb", awkward_visit.folder.as_uri()])
    indexed = run_line("index usb")
    for path in awkward_visit.broken:
        assert f"{path} cannot be read as HDF5" in indexed.err
    assert "6 problems → danmax-sync problems" in indexed.err
    got = run_line(["get", "--from", "usb", "--to", str(home)], exit_code=5)
    for words in (
        "scan-0043_pilatus.h5 is missing or empty",
        "scan-0044.h5 is still running",
        "get it again when it has ended",
        "the link to '/data/visitors/danmax/20259999/2025010108/raw/other/scan-0001_pilatus.h5' is absolute",
        "the link to '../../../outside.h5' leaves the visit",
        "points back at its own file",
        "cannot be read, so nobody knows which files belong to it",
    ):
        assert words in got.err
    assert got.err.count("once that is mended at the source: danmax-sync index usb, then get again") == 1
    good = {scan.path for scan in awkward_visit.scans if scan.complete}
    masters = [path for path in home.rglob("*.h5") if "_" not in path.name]
    assert len(masters) == len(good)
    assert "Si_640d.v1.0" in {path.parent.name for path in masters}
    verified = run_line(["verify", str(home), "--json"]).summary
    assert verified.pop("levels") == {"structure": len(good)}
    assert verified == pytest.approx(
        {"event": "summary", "sets": len(good), "ok": len(good), "failed": 0, "seconds": 0}, abs=60
    )


def test_a_link_that_leaves_the_visit_is_not_followed(
    awkward_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine
) -> None:
    """Even where its target exists at the source: nothing from outside the visit comes home."""
    visit = tmp_path / "facility" / "20251234" / "2025110208"
    shutil.copytree(awkward_visit.folder, visit)
    shutil.copy(visit / "raw" / "LaB6" / "scan-0042_pilatus.h5", visit.parent / "outside.h5")
    run_line(["remote", "add", "usb", visit.as_uri()])
    run_line("index usb")
    numbers = [scan["scan"] for scan in run_line("search LaB6 -f json").json]
    (climbing,) = [number for number in numbers if _links(run_line, number) == ["../../../outside.h5"]]
    got = run_line(["get", str(climbing), "--from", "usb", "--to", str(tmp_path / "a" / "b" / "home")], exit_code=5)
    assert "'../../../outside.h5' leaves the visit" in got.err
    assert list((tmp_path / "a").rglob("*.h5")) == []
    problems = run_line("problems -f json").json
    assert [one["path"] for one in problems if "outside.h5" in one["message"]] == [f"raw/LaB6/scan-00{climbing}.h5"]


def _links(run_line: RunLine, scan: int) -> list[str]:
    (shown,) = run_line(f"show {scan} -f json").json
    return [link["filename"] for link in shown["links"]]


def test_an_unreadable_master_in_the_destination_fails_verification(
    folder_remote: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """Verify names it, and ends with 6."""
    home = tmp_path / "home"
    run_line(["get", "LaB6", "--from", "usb", "--to", str(home)])
    (home / "raw" / "LaB6" / "scan-0042.h5").write_bytes(b"not HDF5")
    ran = run_line(["verify", str(home)], exit_code=6)
    assert "scan-0042.h5 cannot be read as HDF5" in ran.err
    assert "3 sets: 2 ok, 1 failed" in ran.err


def test_a_file_of_ones_own_in_the_way(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """It is kept, the message says what to do, and the code is 6."""
    own = tmp_path / "home" / "raw" / "LaB6" / "scan-0042.h5"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    ran = run_line(["get", "42-43", "--from", "usb", "--to", str(tmp_path / "home")], exit_code=6)
    assert f"{own} is in the way: 4 bytes here" in ran.err
    assert "move it away and run again" in ran.err
    assert own.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("get 42 --from nowhere --to HOME", 2, "there is no remote 'nowhere'; known: usb"),
        ("remote test nowhere", 2, "there is no remote 'nowhere'"),
        ("index nowhere", 2, "there is no remote 'nowhere'"),
        ("index /no/such/folder", 2, "the folder /no/such/folder does not exist"),
        ("verify /no/such/folder", 2, "does not exist"),
        ("get 4711 --from usb --to HOME", 1, "none of 4 scans matches '4711'"),
        ("search sample:nothing", 1, "none of 4 scans matches"),
        ("show 4711", 1, "none of 4 scans matches '4711'"),
        ("search nosuchfield:1", 2, "there is no field 'nosuchfield'"),
        ("search 'energy:40..30'", 2, "the range is empty"),
        ("search '(LaB6'", 2, "this bracket is not closed"),
        ("verify LaB6", 1, "none of these scans is on this disk"),
        ("remote add bad/name sftp://host/x", 2, "'bad/name' cannot be a remote's name"),
        ("remote add name http://host/x", 2, "is not a place this tool can fetch from"),
        ("remote add name sftp://host", 2, "lacks its host or its folder"),
        ("remote add name globus://collection/x", 2, "lacks the UUID of its Globus collection"),
        ("--catalogue /dev/null/catalogue.db search", 8, "catalogue"),
    ],
)
def test_a_call_that_cannot_be_done(
    line: str, code: int, words: str, *, folder_remote: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """Wrong names, paths and queries."""
    assert words in complaint(run_line(line.replace("HOME", str(tmp_path / "home")), exit_code=code))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("line", ["get 42 --from usb", "search --nonsense", "get", "frobnicate", "search -n 0"])
def test_a_call_that_cannot_be_understood(line: str, folder_remote: Path, run_line: RunLine) -> None:
    """Typer says what is missing or unknown; the code is 2."""
    ran = run_line(line, exit_code=2)
    assert ran.out == ""
    assert "error: " in ran.err


def test_a_remote_that_was_not_indexed(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """Scans known elsewhere are not guessed at: 1, and what to type."""
    run_line(["remote", "add", "disk", tmp_path.as_uri()])
    ran = run_line(["get", "42", "--from", "disk", "--to", str(tmp_path / "home")], exit_code=1)
    assert "none of the 1 scans found is known to be at disk" in complaint(ran)
    assert "danmax-sync index disk" in ran.err


def test_an_empty_catalogue(tmp_path: Path, run_line: RunLine) -> None:
    """Is told from a query that matches nothing."""
    assert complaint(run_line("search LaB6", exit_code=1)) == "the catalogue is empty"
    assert complaint(run_line("index", exit_code=2)) == "there is nothing to index yet"


def test_a_file_that_is_no_catalogue(tmp_path: Path, run_line: RunLine) -> None:
    """8, and it is left as it is."""
    (tmp_path / "thesis.db").write_bytes(b"chapter one" * 100)
    complaint(run_line(["--catalogue", str(tmp_path / "thesis.db"), "search"], exit_code=8))
    assert (tmp_path / "thesis.db").read_bytes() == b"chapter one" * 100


def test_a_destination_that_is_a_file(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """It cannot be written into, and running again would not help: 2."""
    (tmp_path / "file").touch()
    ran = run_line(["get", "42", "--from", "usb", "--to", str(tmp_path / "file")], exit_code=2)
    assert "cannot be written to" in complaint(ran)


def test_an_option_s_value_is_not_taken_for_an_exclusion(
    folder_remote: Path, tmp_path: Path, run_line: RunLine
) -> None:
    """``-state:partial`` excludes; a path with a hyphen and a colon in it stays as it was typed."""
    home = tmp_path / "my-home:2"
    run_line(["get", "42", "--from=usb", f"--to={home}"])
    assert (home / "raw").is_dir()
    assert run_line("search -state:partial --count").out == "3\n"


def test_a_wrong_path_at_the_server(serve: Serve, visit: Path, run_line: RunLine, tmp_path: Path) -> None:
    """5, with the path and how to correct it."""
    person = serve()
    server = person.server
    run_line(["remote", "add", "typo", f"sftp://{server.user}@{server.host}:{server.port}/20251234/2025119999"])
    for line in (["remote", "test", "typo"], ["index", "typo"]):
        ran = run_line(line, exit_code=5)
        assert complaint(ran) == "typo:/20251234/2025119999 does not exist on the server"
        assert "danmax-sync remote remove typo" in ran.err


@pytest.mark.parametrize(("password", "code"), [("wrong", None), (None, "000000x")])
def test_a_wrong_password_or_code(
    password: str | None, code: str | None, serve: Serve, tmp_path: Path, run_line: RunLine
) -> None:
    """4; it is tried once, because servers penalise failed logins."""
    person = serve()
    attempts = person.server.attempts
    wrong = Person(person.server, code=code) if password is None else Person(person.server, password=password)
    context.answer_with(wrong)
    ran = run_line(["get", "42", "--from", "facility", "--to", str(tmp_path / "home")], exit_code=4)
    assert "rejected the login" in complaint(ran)
    assert person.server.attempts - attempts == (1 if password else 2)
    assert len(wrong.asked) == (1 if password else 2)


def test_nobody_to_answer(serve: Serve, tmp_path: Path, run_line: RunLine) -> None:
    """Without a terminal the message says what would have been asked: 4."""
    serve()
    context.answer_with(None)
    ran = run_line(["get", "42", "--from", "facility", "--to", str(tmp_path / "home")], exit_code=4)
    assert "'Password:'" in complaint(ran)


@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_an_unknown_host_key(
    carrier: str, *, sshd: RealSshd, visit: Path, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there to accept it: 4, and its fingerprint or its kind is named."""
    forgetful = tmp_path / "ssh_config"
    forgetful.write_text(sshd.ssh_config.read_text().replace(str(sshd.known_hosts), str(tmp_path / "none")))
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, str(forgetful))
    run_line(["remote", "add", "danmax", sshd.url(visit)])
    assert "host key" in complaint(run_line("remote test danmax", exit_code=4)).lower()


@pytest.mark.parametrize("carrier", ["openssh", "paramiko"])
def test_a_server_that_is_down(
    carrier: str, visit: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch, sshd: RealSshd
) -> None:
    """5, with the address and what to check."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, carrier)
    monkeypatch.setenv(settings.SSH_CONFIG_VARIABLE, os.devnull)
    run_line(["remote", "add", "down", f"sftp://me@127.0.0.1:{port}/data"])
    ran = run_line("remote test down", exit_code=5)
    assert "No connection to" in complaint(ran)
    assert "Connection refused" in ran.err


def test_a_bug_is_reported_in_a_file(run_line: RunLine, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """70, one sentence, and all a developer needs in a file nobody else can read; no password is in it."""

    def broken() -> None:
        raise RuntimeError("the moon is full, and so is postgresql://me:s3cret@db.example/lab")

    monkeypatch.setattr(remotes, "load_remotes", broken)
    ran = run_line(
        ["--catalogue", "postgresql+psycopg://me:pass:w0rd@db.example/\udcff", "remote", "list"], exit_code=70
    )
    assert complaint(ran) == "this is a bug in danmax-sync, not your fault: RuntimeError"
    (report,) = (own_home / "danmax-sync" / "reports").iterdir()
    assert f"please send {report}" in ran.err
    text = report.read_text()
    assert "RuntimeError: the moon is full" in text
    assert "remote list" in text
    assert "postgresql+psycopg://me:***@db.example/" in text
    assert "s3cret" not in text
    assert "w0rd" not in text
    if os.name != "nt":
        assert report.parents[1].stat().st_mode & 0o077 == 0


def test_debug_shows_the_traceback_and_keeps_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever wants to know more than the sentence."""
    assert run(["--debug", "remote", "test", "nowhere"]) == 2
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "error: there is no remote 'nowhere'" in told


def test_an_end_of_file_in_a_command_is_a_bug(run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer would take it for an answer that was not given, and say 1: nothing matched."""

    def broken() -> None:
        raise EOFError

    monkeypatch.setattr(remotes, "load_remotes", broken)
    assert "bug" in complaint(run_line("remote list", exit_code=70))


def test_ctrl_c_is_one_sentence(run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """130; what is done is kept, where something was."""

    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(remotes, "load_remotes", stopped)
    for line in ("remote list", "login danmax"):
        assert run_line(line, exit_code=130).err.strip() == "error: stopped"
    assert complaint(run_line("index danmax", exit_code=130)) == "stopped; what is done is kept"
    assert complaint(run_line("--catalogue other.db index danmax", exit_code=130)) == "stopped; what is done is kept"


def test_bounds_of_numbers_are_words(run_line: RunLine) -> None:
    """In the help and in what is said of a number beyond them."""
    told = " ".join(run_line("simulate --help").out.split())
    assert "--scans N How many scans. [default: 12; 1 to 100000]" in told
    assert "--seed N The same seed gives the same data. [default: 0; 0 or more]" in told
    assert "0 is not possible: 1 or more" in complaint(run_line("search -n 0", exit_code=2))
    for command in ("get", "search", "login", "logbook list", "integrate", "fields"):
        assert not re.search(r"<\w+( range)?>|x[<>]=", run_line(f"{command} --help").out)


def test_a_destination_without_a_name(folder_remote: Path, run_line: RunLine) -> None:
    """An unset variable of the shell does not mean the folder one is in."""
    ran = run_line(["get", "42", "--from", "usb", "--to", ""], exit_code=2)
    assert "--to ." in ran.err


def test_simulating_where_nothing_can_be_made(tmp_path: Path, run_line: RunLine) -> None:
    """A file where the folder should be is the caller's mistake, not a bug."""
    (tmp_path / "file").touch()
    ran = run_line(["simulate", str(tmp_path / "file" / "visit"), "--small"], exit_code=2)
    assert "cannot be written" in ran.err


def test_verifying_a_file(tmp_path: Path, run_line: RunLine) -> None:
    """A file's name is not taken for a word to search for."""
    (tmp_path / "file").touch()
    ran = run_line(["verify", str(tmp_path / "file")], exit_code=2)
    assert "is not a folder" in complaint(ran)


def test_a_linked_folder_is_named_and_not_followed(tmp_path: Path, run_line: RunLine) -> None:
    """What stands behind a link to a folder may be another visit: it is said that it was passed over."""
    (tmp_path / "visit" / "raw").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "visit" / "raw" / "linked").symlink_to(tmp_path / "elsewhere")
    assert "raw/linked" in run_line(["index", str(tmp_path / "visit")]).err


def test_no_space_for_what_is_printed(folder_remote: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk behind ``>`` is no bug: 3, and one sentence."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("danmax_sync.cli.display._line", full)
    assert "no space left" in run_line("search", exit_code=3).err


def test_plotting_says_what_has_no_patterns(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """A figure, or text files, of two scans out of three do not pass for those of all."""
    home = tmp_path / "home"
    run_line(["get", "42-44", "--from", "usb", "--to", str(home)])
    run_line("integrate 42 43")
    for command, target in (("plot", "p.png"), ("export", "text")):
        told = run_line([command, "42-44", "-o", str(tmp_path / target)]).err
        assert "1 of 3 scans has no patterns here and is left out: scan 44\n  → danmax-sync integrate 44\n" in told
    told = run_line(["plot", "42-44 50", "-o", str(tmp_path / "q.png")]).err
    assert "2 of 4 scans have no patterns here and are left out: scans 44 and 50\n" in told


def test_a_geometry_that_sees_nothing_is_refused(folder_remote: Path, tmp_path: Path, run_line: RunLine) -> None:
    """A poni whose beam is a million kilometres off gives no pattern, and the good one stays."""
    home = tmp_path / "home"
    run_line(["get", "42", "--from", "usb", "--to", str(home)])
    good = Path(run_line("integrate 42 --json").summary["outputs"][0]).read_bytes()
    text = next((home / "process").glob("*_35keV.poni")).read_text()
    absurd = tmp_path / "absurd.poni"
    absurd.write_text(re.sub(r"Poni1: .*", "Poni1: 1e9", text))
    run_line(["integrate", "42", "--poni", str(absurd), "--overwrite"], exit_code=7)
    assert next((home / "process").glob("azint/**/*.h5")).read_bytes() == good


@pytest.mark.parametrize("how", ["42-44", "folder"])
def test_a_file_of_another_scan_does_not_verify(
    folder_remote: Path, tmp_path: Path, run_line: RunLine, how: str
) -> None:
    """A detector file that is whole but not the one its source has, and an edited master, are failures: 6."""
    home = tmp_path / "home"
    run_line(["get", "42-44", "--from", "usb", "--to", str(home)])
    what = how if how != "folder" else str(home)
    run_line(["verify", what])
    folder = home / "raw" / "LaB6"
    shutil.copyfile(folder / "scan-0043_pilatus.h5", folder / "scan-0042_pilatus.h5")
    with (folder / "scan-0044.h5").open("ab") as master:
        master.write(b"edited")
    ran = run_line(["verify", what], exit_code=6)
    assert "scan-0042_pilatus.h5 holds" in ran.err
    assert "scan-0044.h5 holds" in ran.err
    assert "3 sets: 1 ok, 2 failed" in ran.err
