"""What README and docs show of Python, settings and tables works as it stands."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from danmax_sync import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.integration.recipefile import read_recipe
from danmax_sync.quantities import user_preferences
from danmax_sync.query.marksheet import keep_sheet, read_sheet
from danmax_sync.settings import ensured_home, settings_file
from danmax_sync.sources.remotes import add_remote, checked_remote
from danmax_sync.testing.visit import SimulatedVisit

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str, document: str = "README.md") -> list[str]:
    """Return the code of one language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_python_of_readme_runs(own_home: Path, small_visit: SimulatedVisit) -> None:
    """On a catalogue of a simulated visit, and finds what it names."""
    pytest.importorskip("pandas", reason="README's snippet makes a data frame")
    with Catalogue.open() as catalogue:
        index_folder(catalogue, small_visit.folder)
    (snippet,) = blocks("python")
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - README's own
    hot, energies = names["hot"], names["energies"]
    assert isinstance(energies, list)
    assert len(energies) == len(hot) > 0  # type: ignore[arg-type]


def test_the_settings_of_readme_are_understood(own_home: Path) -> None:
    """Names of one's own come before the beamline's."""
    (snippet,) = blocks("toml")
    ensured_home()
    settings_file().write_text(snippet, encoding="utf-8")
    preferences = user_preferences()
    assert preferences.temperatures == ("gas_blower_T", "cryo_temp", "lakeshore_tempD", "lakeshore_tempC")
    assert preferences.energy_channels[0] == "my_mono_E"
    assert preferences.energy_parameters[0] == "my_mono_energy"


def test_the_table_and_the_python_of_the_logbooks_page_work(
    own_home: Path, small_visit: SimulatedVisit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row of the table is understood, and the snippet tags what it says."""
    (table,) = blocks("csv", "docs/logbook.md")
    path = tmp_path / "samples.csv"
    path.write_text(table, encoding="utf-8")
    with Catalogue.open() as catalogue:
        index_folder(catalogue, small_visit.folder)
        rows = read_sheet(catalogue, path)
        assert [row.problem for row in rows] == [""] * 4
        keep_sheet(catalogue, rows)
        assert [scan.number for scan in catalogue.search("sample:CeO2 tag:heating")] == [43, 44, 45]
    snippet, served = blocks("python", "docs/logbook.md")
    exec(snippet, {})  # noqa: S102 - our own
    assert "'hot'" in capsys.readouterr().out
    exec(served, {})  # noqa: S102 - our own
    told = capsys.readouterr().out
    assert "http://127.0.0.1:" in told
    assert "3 scans: “quench” in a log entry" in told


def test_the_python_page_runs_from_top_to_bottom(
    own_home: Path,
    small_visit: SimulatedVisit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each snippet by itself, with its imports, in a folder with a visit, and with the visit as a remote."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_visit.folder, tmp_path / "visit", ignore=shutil.ignore_patterns("LaB6", "Si"))
    add_remote(checked_remote("danmax", small_visit.folder.as_uri()))
    snippets = blocks("python", "docs/python.md")
    assert len(snippets) == 6
    # The first one searches what the second one indexes.
    for snippet in (snippets[1], snippets[0], *snippets[2:]):
        exec(snippet, {})  # noqa: S102 - our own
    told = capsys.readouterr().out
    for part in ("6 new, 0 problems", "3 of 3 sets are whole", "3 sets,", "2th (300,) (4, 300) (300,)", "4 (167, 149)"):
        assert part in told, told
    assert "did you mean temperature" in told
    assert (tmp_path / "LaB6.png").is_file()
    assert len(list((tmp_path / "patterns" / "LaB6").glob("*.xye"))) == 3


def test_settings_and_recipes_of_the_docs_are_understood(own_home: Path, tmp_path: Path) -> None:
    """Every TOML block of every page: as settings, or, where it has no section of settings, as a recipe."""
    ensured_home()
    seen = 0
    for page in sorted((ROOT / "docs").glob("*.md")):
        for snippet in blocks("toml", f"docs/{page.name}"):
            table = tomllib.loads(snippet)
            if set(table) <= {"energy", "temperature", "globus", "get", "integrate"}:
                settings_file().write_text(snippet, encoding="utf-8")
                user_preferences()
            else:
                (tmp_path / "recipe.toml").write_text(snippet, encoding="utf-8")
                read_recipe(tmp_path / "recipe.toml")
            seen += 1
    assert seen >= 4


def test_no_snippet_of_python_is_left_untried() -> None:
    """A page with Python has its test here."""
    tried = {"python.md", "integration.md", "logbook.md"}
    assert {page.name for page in (ROOT / "docs").glob("**/*.md") if "```python" in page.read_text("utf-8")} == tried
