"""README and docs are true: each command in them is run."""

import re
import shlex
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.cli import context
from danmax_sync.sources.ssh import Prompt
from danmax_sync.testing.elogy import ElogyService
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.testing.sftpserver import EmbeddedSftpServer, six_digits
from danmax_sync.testing.visit import SimulatedVisit
from tests.conftest import RunLine
from tests.sources.globus.places import Browser, pointed_at, set_up_personal

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
RUN_WITH_OUTPUT = ["tutorial.md"]
"""By test_tutorial.py."""
VISIT = "data/visitors/danmax/20251234/2025110208"
COLLECTION = "01234567-89ab-cdef-0123-456789abcdef"
ELSEWHERE = "89abcdef-0123-4567-89ab-cdef01234567"
LOGBOOK = "https://elogy.example/logbooks/12/"
RUN_ELSEWHERE = {
    "pip install uv && uv run danmax-sync demo": "tests/journeys/test_demo.py walks it",
    "pip install uv && uv run pytest": "this is what runs now; .ci/run takes it from README",
    "danmax-sync login danmax": "needs OpenSSH: tests/journeys/test_login.py",
    "danmax-sync get --follow --from danmax --to visit": "never ends: tests/journeys/test_choice.py",
    "danmax-sync get --follow --integrate --plot waterfall.png": "never ends: tests/integration/test_following.py",
    "danmax-sync --install-completion": "changes the shell's own files: tests/cli/test_installed_completion.py",
    "danmax-sync open 42": "needs a screen: tests/companions",
    "danmax-sync open 42 --what master": "needs a screen: tests/companions",
    "danmax-sync calibrate 42": "needs a screen: tests/companions",
    "danmax-sync calibrate 42 --frame 0 --calibrant LaB6_SRM660c": "needs a screen: tests/companions",
    "danmax-sync index --follow danmax": "never ends: tests/journeys/test_choice.py",
}


def commands_of(document: Path) -> list[str]:
    """Return the lines of the console blocks of a document."""
    blocks = re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


class Visitor:
    """Types the password and the code."""

    def __init__(self, server: EmbeddedSftpServer) -> None:
        self.server = server

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Answer as the server expects."""
        return [
            str(self.server.password) if "assword" in prompt.text else self.server.current_code() for prompt in prompts
        ]

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Compare the fingerprint."""
        return fingerprint == self.server.host_key


@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if commands_of(path) and path.name not in RUN_WITH_OUTPUT],
    ids=lambda path: path.name,
)
def test_each_command_of_a_document_does_what_it_says(
    document: Path, small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line of a console block runs, in order, against a server that holds the visit it names."""
    commands = [command for command in commands_of(document) if command not in RUN_ELSEWHERE]
    facility = tmp_path / "facility"
    shutil.copytree(small_visit.folder, facility / VISIT)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")
    (tmp_path / "institute").mkdir()
    collections = [
        Collection(facility, "DanMAX", https=True, id=COLLECTION),
        Collection(tmp_path / "institute", "Institute", kind=GUEST, id=ELSEWHERE),
        set_up_personal(writable="/"),
    ]
    globus = GlobusService(collections)
    with (
        EmbeddedSftpServer(facility, password="right", one_time_code=six_digits) as server,
        pointed_at(globus, unattended=False),
        ElogyService() as elogy,
    ):
        elogy.write("Calibration", "<p>scan 43: the magnet did quench</p>", at=datetime(2025, 11, 2, 9, tzinfo=UTC))
        context.answer_with(Browser(globus) if COLLECTION in document.read_text(encoding="utf-8") else Visitor(server))
        for command in (each.replace(LOGBOOK, elogy.address) for each in commands):
            program, *words = shlex.split(command)
            assert program == "danmax-sync", f"nothing runs {command!r}; add it here or to RUN_ELSEWHERE"
            there = f"{server.user}@{server.host}:{server.port}"
            run_line([word.replace("you@sftp.maxiv.lu.se", there) for word in words])


def test_the_two_commands_stand_on_readmes_first_screen() -> None:
    """Whoever opens README sees what it is for, the two commands and a picture without scrolling far."""
    first = (ROOT / "README.md").read_text(encoding="utf-8").split("## ")[0]
    assert all(command in first for command in RUN_ELSEWHERE if command.startswith("pip"))
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", first)
    assert picture is not None
    assert (ROOT / picture[1]).is_file()


def test_links_of_the_documents_lead_somewhere() -> None:
    """A relative link in README or docs names a file that is there."""
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_dependency_is_explained() -> None:
    """Each direct dependency, optional ones too, has its line in CONTRIBUTING."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [each for extra in project["optional-dependencies"].values() for each in extra]
    names = {re.split(r"[><=;\s\[]", each)[0] for each in (*project["dependencies"], *optional)}
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| ([A-Za-z0-9_-]+) \|", contributing, re.MULTILINE))
    assert names == table - {"distribution"}
