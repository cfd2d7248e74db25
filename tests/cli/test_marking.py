"""sample, tag, note and logbook on the command line: what is asked, what is said, and how it is taken back."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from danmax_sync.testing.elogy import ElogyService
from tests.cli.conftest import Seen
from tests.conftest import RunLine
from tests.needs import require_program


@pytest.fixture
def elogy() -> Iterator[ElogyService]:
    """Run a logbook that speaks of scan 42."""
    with ElogyService() as service:
        morning = datetime(2025, 11, 2, 9, tzinfo=UTC)
        first = service.write("Calibration", "<p>scan 42, <b>0.3 mm</b></p>", at=morning)
        service.write(None, "<p>quench!</p>", at=morning, authors=["Bob"], follows=first)
        yield service


def column(run_line: RunLine, query: str, names: str) -> list[str]:
    """Return the rows of a list, as CSV without its head."""
    return run_line(["search", query, "-f", "csv", "-c", names]).out.splitlines()[1:]


def test_one_scan_is_changed_without_a_question(indexed: Path, run_line: RunLine) -> None:
    """And what takes it back is said, and does."""
    said = run_line(["sample", "set", "42", "LaB6 660c"]).err
    assert said == "scan 42: the sample is LaB6 660c\n  → to take it back: danmax-sync sample clear 42\n" or (
        "2025110208/42" in said
    )
    assert column(run_line, "sample:*660c", "scan,sample,folder") == ["42,LaB6 660c,LaB6"]
    run_line("tag add 42 good")
    run_line(["note", "add", "42", "beam lost"])
    assert column(run_line, "tag:good note:lost", "scan,tags,note") == ["42,good,beam lost"]
    assert run_line("search 42 -f json -c +tags,note").json[0]["fields"] == {"tags": ["good"], "note": ["beam lost"]}
    for command in ("sample clear 42", "tag remove 42 good"):
        run_line(command)
    assert "scan 42, was: beam lost" in run_line("note clear 42").err
    assert column(run_line, "42", "sample,tags,note") == ["LaB6,,"]


def test_several_scans_are_counted_and_agreed_to(
    indexed: Path, run_line: RunLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program says --yes; a person is asked, and no is no."""
    said = run_line("tag add 42-44 good", exit_code=2).err
    assert "3 scans would get the tag good; nothing was changed yet" in said
    assert "--yes" in said
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    for answer, code in (("n", 130), ("", 130), ("y", 0)):
        monkeypatch.setattr(sys.stdin, "readline", lambda answer=answer: f"{answer}\n")
        said = run_line("tag add 42-44 good", exit_code=code).err
        assert "Go on? [y/N]" in said
        assert run_line("tag list -f csv").out.split()[1:] == ([] if code else ["good,3"])
    assert "tag remove" in said
    assert "42-44 good" in said


def test_a_name_of_ones_own_is_never_lost_unsaid(indexed: Path, run_line: RunLine) -> None:
    """One that would be replaced is named before, and can be given back."""
    run_line(["sample", "set", "42", "first name"])
    said = run_line("sample set 42 second", exit_code=2).err
    assert "scan 42 would be called second instead of your first name" in said
    said = run_line("sample set 42 second --yes").err
    assert "sample set" in said
    assert "'first name'" in said
    assert column(run_line, "42", "sample") == ["second"]
    assert "called second already" in run_line("sample set 42 second").err


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("sample clear 42", 1, "has no name of yours"),
        ("tag remove 42 good", 1, "not tagged good"),
        ("note clear 42", 1, "no notes"),
        ("tag add 4711 good", 1, "none of 12 scans"),
        ("tag add 42 a,b", 2, "cannot be a tag"),
        ("tag add 42 -- -x", 2, "a letter, digit or _ first"),
        (f"note add 42 {'n' * 20_000}", 2, "the note has 20000 characters, more than 10000"),
        ("tag add good", 2, "missing argument"),
        ("sample import nothing.csv", 2, "cannot be read"),
        ("logbook sync", 2, "no logbook is known yet"),
        ("logbook sync elogy", 2, "not the address of a logbook"),
        ("logbook remove http://host/logbooks/1/", 2, "was never read"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_remedy(
    line: str, code: int, said: str, indexed: Path, run_line: RunLine
) -> None:
    """In at most four lines."""
    ran = run_line(line, exit_code=code)
    assert said in ran.err
    assert len(ran.err.splitlines()) <= 4


def test_a_table_is_explained_row_by_row(indexed: Path, run_line: RunLine, tmp_path: Path) -> None:
    """What each row means is printed, also where one of them is refused; then nothing is changed."""
    table = tmp_path / "samples.csv"
    table.write_text("scan,sample\n42-44,Si\n4711,Ni\n")
    ran = run_line(["sample", "import", str(table)], exit_code=2)
    assert ran.out.splitlines()[1] == "2\t42-44\t3 scans: 42-44\tSi\t"
    assert ran.out.splitlines()[2].startswith("3\t4711\tnone\tNi\tno such scan")
    assert "line 3; nothing was changed" in ran.err
    table.write_text("scan,sample\n42-44,Si\n45,Ni\n")
    assert "4 scans; nothing was changed" in run_line(["sample", "import", str(table), "--dry-run"]).err
    assert "2 rows would change 4 scans" in run_line(["sample", "import", str(table)], exit_code=2).err
    assert run_line("sample export").out.splitlines() == ["scan,path,entry,start,sample,tags,note"]
    run_line(["sample", "import", str(table), "--yes"])
    assert column(run_line, "42-45", "scan,sample") == ["42,Si", "43,Si", "44,Si", "45,Ni"]
    out = tmp_path / "out.csv"
    run_line(["sample", "export", "42-43", "-o", str(out)])
    assert len(out.read_text().splitlines()) == 3
    before = out.read_bytes()
    assert "cannot be written" in run_line(["sample", "export", "-o", str(out)], exit_code=2).err
    assert out.read_bytes() == before


def test_a_logbook_is_read_shown_and_searched(
    indexed: Path, run_line: RunLine, elogy: ElogyService, seen: Seen
) -> None:
    """Its address is needed once; programs get events; it is forgotten when that is said."""
    assert "DanMAX: 2 entries (1 new thread, 0 changed), 2 of them about scans" in (
        run_line(["logbook", "sync", elogy.address]).err
    )
    events = run_line("logbook sync --json").events
    assert [event["event"] for event in events][-2:] == ["logbook", "summary"]
    assert (events[-1]["entries"], events[-1]["linked"], events[-1]["new"]) == (2, 2, 0)
    assert column(run_line, "log:quench", "scan") == ["42"]
    shown = " ".join(seen("show 42", width=80).split())
    assert "2025-11-02 10:00:00 CET Calibration: scan 42, 0.3 mm (Ada Lovelace; names the scan)" in shown
    assert "quench! (Bob; answers an entry that names the scan)" in shown
    (found,) = run_line("show 42 -f json").json
    assert [(entry["text"], entry["how"]) for entry in found["log"]] == [
        ("scan 42, 0.3 mm", "number"),
        ("quench!", "answer"),
    ]
    assert run_line("logbook list -f json").json[0]["url"] == elogy.address
    assert "2 entries would be forgotten" in run_line(["logbook", "remove", elogy.address], exit_code=2).err
    run_line(["logbook", "remove", elogy.address, "--yes"])
    assert "no logbook was read yet" in run_line("search log:quench", exit_code=1).err


def test_a_logbook_that_is_gone_keeps_no_other_from_being_read(
    indexed: Path, run_line: RunLine, elogy: ElogyService
) -> None:
    """The others are read, and then it is said; a program is told that not all is done."""
    with ElogyService(name="A") as other:
        run_line(["logbook", "sync", other.address, elogy.address])
        elogy.write("", "scan 43", at=datetime(2025, 11, 2, 10, tzinfo=UTC))
        gone = other.address
    ran = run_line("logbook sync --json", exit_code=3)
    assert "does not answer" in ran.err
    assert gone.split("/")[2] in ran.err
    assert [(each["name"], each["new"]) for each in ran.events if each["event"] == "logbook"] == [("DanMAX", 1)]
    assert column(run_line, "log:*", "scan") == ["42", "43"]


@pytest.mark.parametrize("name", ["-x", "--yes", "it's", "a $HOME `b`"])
def test_a_line_that_takes_back_works_as_it_is_pasted(indexed: Path, run_line: RunLine, name: str) -> None:
    """Names that look like options, or like orders to a shell, come back as they were."""
    run_line(["sample", "set", "42", "--", name])
    assert name_of(run_line) == name
    run_line(pasted(run_line("sample clear 42").err))
    assert name_of(run_line) == name
    line = pasted(run_line("sample set 42 other --yes").err)
    run_line([*line[:2], "--yes", *line[2:]])
    assert name_of(run_line) == name


@pytest.mark.parametrize("text", [" -5 K\tsince noon ", "one\ntwo's", "a\u2028b", "back\\slash\t'"])
def test_a_note_is_taken_back_by_its_own_text(indexed: Path, run_line: RunLine, text: str) -> None:
    """Spaces around it are not kept; tabs and separators do not show on a screen, and are spelled for the shell."""
    run_line(["note", "add", "42", "another"])
    run_line(pasted(run_line(["note", "add", "42", text]).err))
    assert column(run_line, "42", "note") == ["another"]


@pytest.mark.parametrize("line", ["sample set 42 -x", "sample set 42 -x --yes", "sample set --yes 42 -x"])
def test_a_name_may_begin_with_a_dash(line: str, indexed: Path, run_line: RunLine) -> None:
    """The last word is the name, and no term that leaves out; terms before it still are."""
    run_line(line)
    assert name_of(run_line) == "-x"
    run_line("tag add 42-44 -sample:-x rest --yes")
    assert column(run_line, "tag:rest", "scan") == ["43", "44"]


def name_of(run_line: RunLine) -> str:
    """Return what the sample of scan 42 is called, as programs read it."""
    return str(run_line("search 42 -f json").json[0]["sample"])


def pasted(said: str) -> list[str]:
    """Return the words that a shell makes of the line that takes a change back."""
    line = said.partition("to take it back: danmax-sync ")[2].rstrip("\n")
    assert line
    done = subprocess.run([require_program("bash"), "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]
