"""The reference names everything there is, and nothing that is not."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import danmax_sync
from danmax_sync import settings
from danmax_sync.errors import ExitCode
from danmax_sync.events import EVENTS
from danmax_sync.query.fields import BASE_FIELDS
from danmax_sync.query.syntax import RULES
from danmax_sync.testing.visit import SimulatedVisit
from danmax_sync.transfer.following import Follower
from reference import tables
from reference.commands import every_command, options_of
from reference.docstrings import rendered
from reference.hook import PARTS, filled
from reference.python_api import INNER
from reference.python_api import PARTS as PYTHON_PARTS
from reference.text import prose
from tests.conftest import RunLine
from tests.integration.scenes import Home, without

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path for path in (ROOT / "docs" / "reference").glob("*.md")}
SOURCES = [path for path in (ROOT / "danmax_sync").rglob("*.py") if "testing" not in path.parts]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return the pages as the site shows them."""
    return {name: filled(path.read_text(encoding="utf-8")) for name, path in PAGES.items()}


def test_every_page_asks_for_its_part(pages: dict[str, str]) -> None:
    """And every part is asked for once; nothing that stands for it is left."""
    asked = [re.findall(r"<!-- generated: ([a-z ]+) -->", path.read_text(encoding="utf-8")) for path in PAGES.values()]
    assert sorted(name for names in asked for name in names) == sorted(PARTS)
    assert not [name for name, text in pages.items() if "<!--" in text or "the site is built" in text]


def test_every_command_and_option_is_there(run_line: RunLine, pages: dict[str, str]) -> None:
    """Those that help names, command by command, with what help says of them."""
    sections = dict(
        re.findall(r"^#{2,3} (danmax-sync[^\n]*)\n(.*?)(?=^#{2,3} |\Z)", pages["commands"], re.MULTILINE | re.DOTALL)
    )
    shown = run_line("--help").out
    listed = re.findall(r"^  ([a-z]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    assert len(listed) > 25
    assert {line.split()[1] for line in sections if " " in line} == set(listed)
    for each in every_command():
        section = sections[each.line]
        help_text = run_line([*each.words[1:], "--help"]).out
        named = set(re.findall(r"(?<![\w-])(--?[a-zA-Z0][a-z-]*)", help_text.partition("Options:")[2])) - {
            "-h",
            "--help",
        }
        written = {name for param in options_of(each) for name in (*param.opts, *param.secondary_opts)}
        assert {name for name in written if f"`{name}`" not in section} == set()
        assert written <= named, f"{each.line} has options that its help does not name"
        missing = set(re.findall(r"^  (--[a-z-]+|-[a-z0]\b)", help_text, re.MULTILINE)) - written
        assert missing <= {"-h", "--help"}, f"{each.line} {missing}"


def test_numbers_are_spelled_with_their_bounds(pages: dict[str, str]) -> None:
    """And without the words of the library that checks them."""
    assert "| `--bins` `10 ≤ N ≤ 100000` |" in pages["commands"]
    assert " RANGE" not in pages["commands"]


def test_every_exit_code_is_there(pages: dict[str, str]) -> None:
    """With the meaning that README has, and the errors that Python raises."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"| `{code.value}` | {code.meaning} |" in pages["exit-codes"]
        assert f"| {code.value} | {code.meaning} |" in readme
    public = [each for each in danmax_sync.__all__ if each.endswith("Error") and each != "DanmaxSyncError"]
    assert len(public) == 11
    assert all(f"`{name}`" in pages["exit-codes"] for name in public)


def told_names() -> set[str]:
    """Return the names of events that the code tells, as they are written there."""
    names = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event" and node.args:
                first = node.args[0]
                # story.py passes events of commands on, under the names they have.
                if isinstance(first, ast.Constant):
                    names.add(str(first.value))
    return names


def test_every_event_is_there(pages: dict[str, str]) -> None:
    """Those that the code tells, and no others; every command that takes --json is named as telling some."""
    assert {kind.name for kind in EVENTS} == told_names()
    for kind in EVENTS:
        assert f"## {kind.name}\n" in pages["events"]
        assert all(f"| `{name}` |" in pages["events"] for name in kind.fields)
    tellers = {command.partition(" --")[0] for kind in EVENTS for command in kind.told_by}
    takers = {
        " ".join(each.words[1:]) for each in every_command() if "summary" in str([p.help for p in options_of(each)])
    }
    assert tellers == takers - {"status", "doctor"}


def test_events_have_the_fields_that_are_written(
    own_home: Path, small_visit: SimulatedVisit, tmp_path: Path, run_line: RunLine
) -> None:
    """What commands print with --json has the fields of the reference; a rate is not always known."""
    run_line(["remote", "add", "far", small_visit.folder.as_uri()])
    get = f"get LaB6 --from far --to {tmp_path / 'visit'} --json"
    lines = {
        "index": "index far --json",
        "get --dry-run": f"{get} --dry-run",
        "get": get,
        "verify": "verify LaB6 root:here --json",
        "integrate": "integrate 42 --json",
        "get --integrate": f"get Si --from far --to {tmp_path / 'visit'} --json --integrate",
    }
    heard = set()
    for command, line in lines.items():
        for event in run_line(line).events:
            name, fields = event.pop("event"), set(event)
            check_event(name, fields, command)
            heard.add((command, name))
    assert len(heard) >= 16
    assert ("get --integrate", "scan") in heard


def check_event(name: str, fields: set[str], *modes: str) -> None:
    """Compare an event with what is written of it, for the most particular of a command's modes that tells it."""
    plain = {mode.partition(" --")[0] for mode in modes}
    for wanted in (set(modes), plain):
        kinds = [kind for kind in EVENTS if kind.name == name and wanted & set(kind.told_by)]
        if kinds:
            break
    assert len(kinds) == 1, f"{modes} tells {name}, which is not written"
    assert set(kinds[0].fields) - fields <= {"rate", "seconds_left", "scan"}, f"{modes}: {name}"
    assert fields <= set(kinds[0].fields), f"{modes}: {name}"
    assert name == "progress" or "scan" in fields or "scan" not in kinds[0].fields, f"{modes}: {name}"


def test_what_follows_with_patterns_says_of_which_scan_each_event_is(
    home: Home, run_line: RunLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files, sets and patterns; of a scan that cannot be integrated, too; as it is written in the reference."""
    # Its set is whole, and yet it has no frames that could be integrated.
    without(home.master(43), "entry/instrument/pilatus")
    run_line(["remote", "add", "far", home.folder.as_uri()])
    defaults = Follower.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "wait", lambda _seconds: False)
    get = ["get", "points:1..", "--from", "far", "--to", str(tmp_path / "visit"), "--follow", "--integrate", "--json"]
    heard = set()
    for event in run_line(get, exit_code=None).events:
        name, scan = event.pop("event"), event.get("scan")
        check_event(name, set(event), "get --follow", "get --integrate")
        heard.add((name, scan))
        if name == "file":
            assert (scan or "process/")[-2:] in event["path"]
        elif name == "progress" and event["stage"] in {"integrate", "prepare geometry"}:
            assert scan in {"scan 42", "scan 44"}
        elif name == "warning":
            assert scan == event["message"][: len("scan 43")]
    wanted = {(name, f"scan {number}") for name in ("file", "set", "scan") for number in (42, 43, 44)}
    assert wanted <= heard
    assert {("warning", "scan 43"), ("follow", None), ("file", ""), ("summary", None)} <= heard


def test_every_word_of_the_query_language_is_there(pages: dict[str, str]) -> None:
    """Rules, and the fields of every scan with what they hold."""
    assert all(f"`{example}`" in pages["query"] for rule in RULES for example in rule.examples)
    assert set(tables.FIELDS) == set(BASE_FIELDS)
    assert all(f"| `{name}` |" in pages["query"] for name in BASE_FIELDS)


def test_every_setting_and_variable_is_there(pages: dict[str, str]) -> None:
    """Settings that the program knows; variables of the environment that the code names."""
    known = settings.KNOWN_SETTINGS
    names = {f"{section}.{name}" for section, each in known.items() for name in each}
    assert names == set(tables.SETTINGS)
    assert all(f"| `{name}` |" in pages["settings"] for name in names)
    assert {name.split(".")[0] for name in tables.known_settings()} == set(known)
    variables = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and str(getattr(node.targets[0], "id", "")).endswith("_VARIABLE"):
                variables.add(ast.literal_eval(node.value))
    assert variables | {"NO_COLOR"} == set(tables.VARIABLES)
    assert all(f"| `{name}` |" in pages["settings"] for name in variables)


def test_every_public_name_of_python_is_there(pages: dict[str, str]) -> None:
    """In one part of the page, with its signature; parameters of functions are all explained."""
    parts = [name for names in PYTHON_PARTS.values() for name in names]
    assert sorted(parts) == sorted(set(danmax_sync.__all__) - {"__version__"})
    assert all(f"\n### {name}\n" in pages["python"] for name in parts)
    for name, methods in INNER.items():
        assert not [each for each in methods if not hasattr(getattr(danmax_sync, name), each)]
        assert not [each for each in methods if f"#### {name}.{each}\n" in pages["python"]]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#{2,3} |\Z)", pages["python"], re.MULTILINE | re.DOTALL))
    for name in ("connect", "index", "plan", "get", "verify", "integrate", "integrate_scans", "plot", "export"):
        function = getattr(danmax_sync, name)
        explained = set(re.findall(r"\w+", " ".join(re.findall(r"^\| `([\w, ]+)` \|", sections[name], re.MULTILINE))))
        assert set(function.__annotations__) - {"return"} <= explained, name
        assert "| raises |" in sections[name], name


def test_every_type_that_is_named_can_be_imported(pages: dict[str, str]) -> None:
    """What a documented function takes or returns, and what is in that, is public and described, too."""
    shown = re.findall(r"```python\n(.*?)```", pages["python"], re.DOTALL)
    shown += re.findall(r"^\| `\w+` \| `([^`]+)` \|$", pages["python"], re.MULTILINE)
    named = {name for each in shown for name in re.findall(r"\b[A-Z]\w+\b", each)}
    others = {"Any", "Callable", "DataFrame", "Figure", "Iterable", "Iterator", "Mapping", "Path", "Self", "Sequence"}
    assert named - others - {"None", "True", "False", "GivenPath", "PathLike", "Listener"} <= set(danmax_sync.__all__)
    raised = set(re.findall(r"`(\w+Error)`", pages["python"] + pages["exit-codes"]))
    assert raised <= set(danmax_sync.__all__)


def test_docstrings_become_tables_and_text_stays_text() -> None:
    """Sections, several names on a line, code, and characters that Markdown would take for markup."""
    doc = """Do *it* with <b>.

    Parameters
    ----------
    a, b : int
        Of ``x|y`` and
        more.

    Raises
    ------
    ValueError
        If not.
    """
    shown = rendered(doc)
    assert r"Do \*it\* with \<b\>." in shown
    assert "| `a, b` | int | Of `x|y` and more. |" in shown
    assert "| `ValueError` | If not. |" in shown
    assert prose("`a*b` c*d") == r"`a*b` c\*d"


def test_the_sites_contents_are_the_pages_there_are() -> None:
    """Each page stands in the contents once, and what stands there is a page."""
    listed = re.findall(
        r"^ +- [^#\n]*: ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    docs = ROOT / "docs"
    assert sorted(listed) == sorted(str(path.relative_to(docs).as_posix()) for path in docs.glob("**/*.md"))
    assert importlib.util.find_spec("reference.hook") is not None
