"""What the shell offers."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from danmax_sync.cli.completion import COLUMNS, QUERY_FIELDS, STATES
from danmax_sync.query.fields import BASE_FIELDS
from danmax_sync.scanfile.record import ScanState
from tests.cli.test_light_imports import imported
from tests.conftest import RunLine

Completed = Callable[..., list[str]]


def bash(line: str) -> list[str]:
    """Return what is offered for the last word of a line, as bash cuts it: at spaces, and at colons."""
    words = f"danmax-sync {line}".replace(":", " : ").split(" ")
    while "" in words[:-1]:
        words.remove("")
    if words[-1] == "" and line.endswith(":"):
        words.pop()
    _, printed = imported(
        _DANMAX_SYNC_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(words),
        COMP_CWORD=str(len(words) - 1),
    )
    return printed.split("\n")[:-1] if printed.strip() else []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("search sample:", ["CeO2", "LaB6", "Si"]),
        ("search sample:L", ["LaB6"]),
        ("search macro:asc", ["ascan"]),
        ("get state:", ["complete", "partial"]),
        ("search -sam", ["-sample:", "-sample_changer:"]),
        ("search !macr", ["!macro:", "!macro:*"]),
        ("search --sample C", ["CeO2"]),
        ("show fast_shutter:", ["open"]),
        ("search detector:pil", ["pilatus"]),
        ("search --sort temp", ["temperature"]),
        ("search -c scan,ea_pp", ["scan,ea_ppm3_1"]),
        ("search Spinner", ["Spinner?moving:", "Spinner?moving:*"]),
        ("search -c Spin", ["Spinner?moving"]),
        ("search energy:", ["20.001..", "..34.9991"]),
        ("search energy:2", ["20.001.."]),
        ("search scan:", ["42..", "..53"]),
        ("search since:", ["2025-11-02"]),
        ("search ea_ppm3_1:", ["500.299..", "..500.301"]),
        ("search nosuchname", []),
        # Where nothing is offered the shell completes files.
        ("integrate 42 --recipe rec", []),
        ("integrate 42 --poni ", []),
        ("search nosuchname:", []),
    ],
)
def test_names_then_values(line: str, offered: list[str], indexed: Path) -> None:
    """Of the fields of every scan and of all that was recorded; bash replaces only what stands behind a colon."""
    assert bash(line) == offered


def test_a_name_with_a_blank_finds_what_was_offered(indexed: Path, run_line: RunLine) -> None:
    """The sign in place of the blank is a wildcard of the query language."""
    assert run_line("search Spinner?moving:1 --count").out == run_line(["search", '"Spinner moving":1', "--count"]).out
    assert "Spinner moving" in run_line("search -c Spinner?moving -n 1").out


def test_tags_and_logbooks(indexed: Path, run_line: RunLine) -> None:
    """Those there are; a name that was given to a sample comes with those of folders."""
    run_line("tag add 42 heating")
    run_line("sample set 42 lanthanum")
    assert bash("search tag:he") == ["heating"]
    assert bash("tag remove 42 heat") == ["heating"]
    assert bash("search sample:lan") == ["lanthanum"]
    assert bash("sample set 43 lan") == ["lanthanum"]
    assert bash("note add samp") == ["sample:", "sample_changer:"]
    assert bash("logbook sync ht") == []
    assert bash("tag list --sort sc") == ["scans"]
    assert bash("logbook list -c +na") == ["+name"]


def test_a_sample_with_a_blank_finds_what_was_offered(indexed: Path, run_line: RunLine) -> None:
    """With wildcards in a query; a name that is to be given is not offered with them."""
    run_line(["sample", "set", "42", "CeO2 in capillary"])
    assert bash("search sample:CeO2") == ["CeO2", "CeO2?in?capillary"]
    assert bash("search --sample CeO2?") == []
    assert bash("search --sample CeO2") == ["CeO2", "CeO2?in?capillary"]
    assert bash("sample set 43 CeO2") == ["CeO2"]
    assert run_line("search sample:CeO2?in?capillary -f ids").out == "42\n"


def test_folders_to_verify(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the words of a query, and further down."""
    monkeypatch.chdir(indexed.parent)
    assert bash("verify 20") == [indexed.name]
    assert bash(f"verify {indexed.name}/ra") == [f"{indexed.name}/raw"]
    assert bash("verify samp") == ["sample:", "sample_changer:"]


def test_zsh_keeps_its_ways_with_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this program's choices become a menu; a user's own line stays as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    imported("--install-completion", "zsh", **told)
    written = (tmp_path / ".zshrc").read_text()
    assert "zstyle ':completion:*:*:danmax-sync:*' menu select" in written
    assert "zstyle ':completion:*' menu" not in written
    (tmp_path / ".zshrc").write_text("zstyle ':completion:*' menu select\n")
    imported("--install-completion", "zsh", **told)
    assert "zstyle ':completion:*' menu select\n" in (tmp_path / ".zshrc").read_text()


def test_places(indexed: Path, run_line: RunLine) -> None:
    """Remotes to fetch from; remotes and indexed folders to index."""
    run_line(["remote", "add", "danmax", indexed.as_uri()])
    assert bash("get --from da") == ["danmax"]
    assert bash("remote remove d") == ["danmax"]
    assert bash("index d") == ["danmax"]
    assert bash(f"index {str(indexed)[:-2]}") == [str(indexed)]


@pytest.mark.parametrize("broken", ["", "not a catalogue", None])
def test_silent_without_a_catalogue(broken: str | None, tmp_path: Path) -> None:
    """An empty file, another file, none: fields of every scan are offered all the same, and no file is made."""
    path = tmp_path / "catalogue.db"
    if broken is not None:
        path.write_text(broken)
    line = f"danmax-sync --catalogue {path} search "
    words = {"_DANMAX_SYNC_COMPLETE": "complete_bash", "COMP_CWORD": "4"}
    modules, printed = imported(COMP_WORDS=f"{line}macr", **words)
    assert printed.split() == ["macro:", "macro:*"]
    _, printed = imported(COMP_WORDS=f"{line}state:run", **words)
    assert printed.split() == ["state:running"]
    assert path.exists() == (broken is not None)
    assert "sqlalchemy" not in modules


def test_the_lists_that_are_kept_light_are_whole(indexed: Path, run_line: RunLine) -> None:
    """They repeat what is declared where it takes long to import."""
    assert set(QUERY_FIELDS) == set(BASE_FIELDS)
    assert set(STATES) == {state.value for state in ScanState}
    lines = {
        "search": "search",
        "fields": "fields",
        "diff": "diff 42 44",
        "problems": "problems",
        "remote list": "remote list",
        "tag list": "tag list",
        "logbook list": "logbook list",
    }
    for command, names in COLUMNS.items():
        run_line(["remote", "add", "one", indexed.as_uri()], exit_code=None)
        run_line([*lines[command].split(), "-f", "csv", "-c", ",".join(names)])


def test_it_can_be_installed(tmp_path: Path) -> None:
    """``--show-completion`` prints what ``--install-completion`` installs."""
    # Which shell it is would be told by the parent process, which in a test may be anything.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    modules, printed = imported("--show-completion", "bash", PATH=os.environ["PATH"], **told)
    assert "_DANMAX_SYNC_COMPLETE=complete_bash" in printed
    assert "sqlalchemy" not in modules


def test_saved_queries(indexed: Path, run_line: RunLine) -> None:
    """Behind their sign, also where they are left out, and to forget one."""
    run_line("search LaB6 --save lab_hot")
    assert bash("search @la") == ["@lab_hot"]
    assert bash("search -@la") == ["-@lab_hot"]
    assert bash("search --forget l") == ["lab_hot"]
