"""The house stands as it was drawn: a room imports only rooms below it, heavy things only where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import danmax_sync

PACKAGE = Path(danmax_sync.__file__).parent
ORDER = [
    "errors",
    "clock",
    "settings",
    "events",
    "visits",
    "quantities",
    "scanfile",
    "catalogue",
    "query",
    "sources",
    "indexing",
    "logbook",
    "transfer",
    "integration",
    "report",
    "companions",
    "api",
    "testing",
    "cli",
]
# The package's own face and its `python -m`: they hand on what is asked for.
FACES = {"__init__", "__main__"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    """Return the room a file stands in."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> Iterator[str]:
    """Yield every module that a file names in an import, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here"
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)


def rooms_used(module: Path) -> set[str]:
    """Return the rooms a file imports from."""
    return {name.split(".")[1] for name in imports_of(module) if name.startswith("danmax_sync.") and name.count(".")}


def test_every_file_stands_in_a_known_room() -> None:
    """A new room has to be drawn into the order first."""
    assert {room_of(module) for module in MODULES} - FACES == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    """Imports point downwards; the command line alone may use the simulation."""
    below = set(ORDER[: ORDER.index(room) + 1]) | {"__version__"}
    wrong = {
        f"{module.relative_to(PACKAGE)} → {used}"
        for module in MODULES
        if room_of(module) == room
        for used in rooms_used(module) - below
    }
    assert not wrong


def test_the_check_of_rooms_sees_an_import_upwards(tmp_path: Path) -> None:
    """It would notice one inside a function too."""
    module = tmp_path / "errors.py"
    module.write_text("def f():\n    from danmax_sync.catalogue.catalogue import Catalogue\n", encoding="utf-8")
    assert rooms_used(module) == {"catalogue"}


HEAVY = {
    "errors": {"h5py", "sqlalchemy", "paramiko", "numpy", "typer", "rich", "globus_sdk"},
    "visits": {"h5py", "sqlalchemy", "paramiko", "numpy", "typer", "rich", "globus_sdk"},
    "scanfile": {"sqlalchemy", "alembic", "paramiko", "typer", "rich", "pyFAI", "globus_sdk"},
    "catalogue": {"h5py", "hdf5plugin", "numpy", "paramiko", "typer", "rich", "pyFAI", "globus_sdk"},
    "query": {"h5py", "hdf5plugin", "numpy", "paramiko", "typer", "rich", "pyFAI", "globus_sdk"},
    "sources": {"h5py", "hdf5plugin", "sqlalchemy", "typer", "rich", "pyFAI"},
    "indexing": {"h5py", "sqlalchemy", "typer", "rich", "pyFAI", "globus_sdk"},
    "logbook": {"h5py", "sqlalchemy", "paramiko", "numpy", "typer", "rich", "globus_sdk", "requests"},
    "transfer": {"h5py", "sqlalchemy", "paramiko", "typer", "rich", "pyFAI"},
    "integration": {"sqlalchemy", "paramiko", "typer", "rich", "globus_sdk"},
    "report": {"h5py", "sqlalchemy", "paramiko", "typer", "rich", "pyFAI", "matplotlib", "globus_sdk"},
    "companions": {"sqlalchemy", "paramiko", "typer", "rich", "globus_sdk"},
    "api": {"h5py", "sqlalchemy", "paramiko", "typer", "rich", "pyFAI", "globus_sdk"},
    "cli": {"paramiko", "alembic", "pyFAI", "globus_sdk"},
}
"""Third parties a room must not name, not even inside a function."""


@pytest.mark.parametrize("room", HEAVY)
def test_a_room_knows_nothing_of_what_is_not_its_trade(room: str) -> None:
    """No SQL where HDF5 is read, no HDF5 where SQL is spoken, no terminal but in the command line."""
    wrong = {
        f"{module.relative_to(PACKAGE)} → {name}"
        for module in MODULES
        if room_of(module) == room
        for name in imports_of(module)
        if name.split(".")[0] in HEAVY[room]
    }
    assert not wrong


def at_run_time(*modules: str) -> set[str]:
    """Return the top-level packages a fresh Python holds after importing some modules."""
    code = f"import sys, {', '.join(modules)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=PACKAGE.parent)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("danmax_sync", {"h5py", "sqlalchemy", "paramiko", "numpy", "typer", "rich", "platformdirs"}),
        (
            "danmax_sync.cli.application",
            {"h5py", "hdf5plugin", "sqlalchemy", "paramiko", "numpy", "pyFAI", "matplotlib"},
        ),
        ("danmax_sync.query.search", {"h5py", "hdf5plugin", "numpy", "paramiko"}),
        ("danmax_sync.scanfile.structure", {"sqlalchemy", "alembic", "paramiko", "pyFAI"}),
        ("danmax_sync.sources.folder", {"h5py", "sqlalchemy", "paramiko", "numpy"}),
    ],
)
def test_importing_a_room_loads_only_what_it_needs(module: str, absent: set[str]) -> None:
    """Starting is fast, and a broken installation of one thing does not break the others."""
    loaded = at_run_time(module)
    assert "danmax_sync" in loaded
    assert not loaded & absent


def test_modules_are_short_and_named_after_what_they_hold() -> None:
    """None over 500 lines, none called utils, the median around 120."""
    lengths = {module: len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert not {str(module) for module, length in lengths.items() if length > 500}
    assert sorted(lengths.values())[len(lengths) // 2] <= 150
    names = {part for module in MODULES for part in module.relative_to(PACKAGE).with_suffix("").parts}
    assert not {name for name in names if "util" in name or "helper" in name or name in {"misc", "common"}}


def test_migrations_stand_alone() -> None:
    """A migration must do the same when the package has moved on, so it imports nothing of it."""
    scripts = sorted((PACKAGE.parent / "migrations" / "versions").glob("*.py"))
    assert scripts
    assert not {name for script in scripts for name in imports_of(script) if name.startswith("danmax_sync")}
