"""The Python API as an outside user has it: typed, complete, and nothing but public names needed."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import danmax_sync
from danmax_sync import Catalogue, Event, LoginError, Prompt, SourceError, TreePath, UsageError
from danmax_sync.companions.notebook import cells_of
from danmax_sync.query.search import search
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from danmax_sync.testing.visit import SimulatedVisit
from tests.api import outside
from tests.integration.scenes import Home

FACE = Path(danmax_sync.__file__)
SCRIPT = Path(outside.__file__)


def test_a_users_script_is_typed_throughout(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Checked strictly, in a folder of its own, against the package as it is installed; a wrong call is seen."""
    wrong = SCRIPT.read_text(encoding="utf-8").replace("wanted.files_to_fetch", "wanted.files_to_fech")
    (tmp_path / "right.py").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "wrong.py").write_text(wrong, encoding="utf-8")
    cache = pytestconfig.cache.mkdir("danmax-sync-mypy")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", "right.py", "wrong.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "MYPYPATH"},
    )
    told = [line for line in ran.stdout.splitlines() if "error:" in line]
    assert len(told) == 1, ran.stdout + ran.stderr
    assert told[0].startswith("wrong.py")
    assert "files_to_fech" in told[0]


def test_the_users_script_runs(
    own_home: Path, small_visit: SimulatedVisit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a facility's folder to a waterfall and text files; what is incomplete there is named, not raised."""
    code = outside.main(str(small_visit.folder), str(tmp_path))
    heard = capsys.readouterr().out
    assert code == 0, heard
    lines = heard.splitlines()
    assert lines[0].startswith("planned 6 ")
    assert sum(" complete " in line for line in lines) == 5
    assert "raw/CeO2/scan-0050_pilatus.h5 is missing" in heard
    assert "frame 167 149" in lines
    assert any(line.startswith("first pattern 0 200 30") for line in lines)
    assert "patterns 4 200 200" in lines
    assert "written 5" in lines
    assert (tmp_path / "waterfall.png").stat().st_size > 10_000
    assert len(list((tmp_path / "patterns").rglob("*.xye"))) == 5


def test_the_script_ends_with_the_errors_code(
    own_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there is a usage error, with what to do."""
    assert outside.main(str(tmp_path / "nowhere"), str(tmp_path)) == 2
    assert "does not exist" in capsys.readouterr().out


class Telephone:
    """Types password and code, and counts the logins."""

    def __init__(self, server: EmbeddedSftpServer) -> None:
        self.server, self.logins = server, 0

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Answer as the server expects."""
        self.logins += any("assword" in each.text for each in prompts)
        return [str(self.server.password) if "assword" in each.text else self.server.current_code() for each in prompts]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Compare the fingerprint."""
        return fingerprint == self.server.host_key


def test_one_login_serves_index_plan_and_get(
    own_home: Path, small_visit: SimulatedVisit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SFTP with a one-time code; a callback that raises ends the work, and the next call goes on."""
    monkeypatch.setenv("DANMAX_SYNC_SSH", "paramiko")

    class EnoughError(Exception):
        pass

    def stop(event: Event) -> None:
        if event.name == "set":
            raise EnoughError

    with EmbeddedSftpServer(small_visit.folder, password="right", one_time_code=six_digits) as server:
        telephone = Telephone(server)
        remote = danmax_sync.add_remote("far", f"sftp://{server.user}@{server.host}:{server.port}/")
        with Catalogue.open() as catalogue, danmax_sync.connect(remote, prompter=telephone) as source:
            assert danmax_sync.index(catalogue, source).new == 12
            assert danmax_sync.index(catalogue, source).unchanged == 12
            found = catalogue.search("sample:LaB6")
            wanted = danmax_sync.plan(catalogue, found, source, tmp_path / "visit", calibration=False)
            with pytest.raises(EnoughError):
                danmax_sync.get(catalogue, wanted, source, progress=stop)
            again = danmax_sync.plan(catalogue, found, source, tmp_path / "visit", calibration=False)
            assert danmax_sync.get(catalogue, again, source).exit_code == 0
            assert danmax_sync.verify(catalogue, tmp_path / "visit").ok == 3
        assert telephone.logins == 1


def test_a_place_that_is_no_folder_here_is_refused_before_a_folder_of_that_name_is_made(
    own_home: Path, small_visit: SimulatedVisit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection elsewhere is reached by the command, whose line is told; hashes of a folder by nobody."""
    monkeypatch.chdir(tmp_path)
    danmax_sync.add_remote("usb", small_visit.folder.as_uri())
    with Catalogue.open() as catalogue, danmax_sync.connect("usb") as source:
        danmax_sync.index(catalogue, source)
        found = catalogue.search("42")
        with pytest.raises(UsageError, match="no folder of this machine") as told:
            danmax_sync.plan(catalogue, found, source, "globus://0a1b/visit")
        assert "danmax-sync get QUERY --from NAME --to globus://0a1b/visit" in told.value.hint
        with pytest.raises(UsageError, match="no folder of this machine"):
            danmax_sync.plan(catalogue, found, source, "sftp://host/visit")
        assert not list(tmp_path.iterdir())
        danmax_sync.get(catalogue, danmax_sync.plan(catalogue, found, source, "visit"), source)
        with pytest.raises(SourceError, match="computes no hashes"):
            danmax_sync.verify(catalogue, found.refreshed(), hashes=True)


def test_without_a_terminal_a_login_is_an_error_that_says_what_to_do(
    own_home: Path, small_visit: SimulatedVisit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a notebook."""
    monkeypatch.setenv("DANMAX_SYNC_SSH", "paramiko")
    with (
        EmbeddedSftpServer(small_visit.folder, password="right", one_time_code=six_digits) as server,
        pytest.raises(LoginError) as told,
    ):
        danmax_sync.connect(danmax_sync.add_remote("far", f"sftp://{server.user}@{server.host}:{server.port}/")).close()
    assert "danmax-sync login" in told.value.hint


def test_what_cannot_be_drawn_or_written_is_said(integrated: Home, tmp_path: Path) -> None:
    """Before anything is made."""
    with Catalogue.open() as catalogue:
        scan = catalogue.search("52")[0]
    with pytest.raises(UsageError, match="no picture"):
        danmax_sync.plot(scan, tmp_path / "picture.txt")
    with pytest.raises(UsageError, match="cannot be drawn as 'pie'"):
        danmax_sync.plot(scan, kind="pie")
    with pytest.raises(UsageError, match="no format 'gr'"):
        danmax_sync.export(scan, tmp_path, "gr")
    assert danmax_sync.plot(scan, kind="heatmap", against="frame").axes
    assert not list(tmp_path.glob("picture*"))


def typed_names() -> set[str]:
    """Return the names that a type checker sees."""
    tree = ast.parse(FACE.read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    return {alias.asname or "" for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_what_types_show_is_what_is_there() -> None:
    """Every public name can be imported, is explained, and is known to type checkers; there are no others."""
    public = set(danmax_sync.__all__) - {"__version__"}
    assert public == typed_names() == set(danmax_sync._HOMES)
    assert dir(danmax_sync) == sorted(danmax_sync.__all__)
    for name in public:
        assert inspect.getdoc(getattr(danmax_sync, name)), f"{name} has no documentation"
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = danmax_sync.no_such_name
    assert TreePath is danmax_sync.TreePath


def test_notebooks_use_public_names_alone(integrated: Home) -> None:
    """Of a scan that has been integrated, and of one that has not."""
    integrated.output(51).unlink()
    with Catalogue.open() as catalogue:
        cells = [cell for scan in search(catalogue, "51 52") for cell in cells_of(catalogue, scan, location=None)]
    code = [ast.parse(cell.source) for cell in cells if cell.kind == "code"]
    nodes = [node for tree in code for node in ast.walk(tree)]
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in froms} == {"danmax_sync"}
    used = {alias.name for node in froms for alias in node.names}
    assert used == {"Catalogue", "Recipe", "frames_of", "integrate", "patterns_of"}
    assert used <= set(danmax_sync.__all__)
    assert not {
        alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.startswith("danmax")
    }
