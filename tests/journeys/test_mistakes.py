"""Plausible mistakes, as they are made: the answer says what, where and what to type next, in at most four lines."""

import os
import shutil
import sqlite3
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from danmax_sync import settings
from danmax_sync.cli import context
from tests.conftest import RunLine
from tests.journeys.conftest import Serve
from tests.journeys.places import Person

COLUMNS = 80
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass
class World:
    """A user with the remote ``usb`` that was indexed, and scans 42 to 44 at home, known to the catalogue."""

    facility: Path
    home: Path
    run_line: RunLine
    patch: pytest.MonkeyPatch
    request: pytest.FixtureRequest

    @property
    def catalogue(self) -> Path:
        """The catalogue's file."""
        return Path(settings.catalogue_location())

    def settings(self, text: str) -> None:
        """Write settings."""
        settings.settings_file().write_text(text, encoding="utf-8")

    def fetched(self) -> None:
        """Bring the scans home."""
        self.run_line(["get", "42-44", "--to", str(self.home)])

    def file(self, name: str, text: str = "") -> None:
        """Make a file in the folder the user is in."""
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")

    def serve(self) -> Person:
        """Serve the visit over SFTP as ``facility``, with a password and a one-time code."""
        start: Serve = self.request.getfixturevalue("serve")
        return start()


# How each comes about; the names say it.
# ruff: noqa: D103


def nothing(world: World) -> None:
    pass


def not_indexed(world: World) -> None:
    world.catalogue.unlink()


def without_remotes(world: World) -> None:
    world.run_line("remote remove usb --keep")


def newer_catalogue(world: World) -> None:
    with sqlite3.connect(world.catalogue) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.close()


def damaged_catalogue(world: World) -> None:
    world.catalogue.write_bytes(b"SQLite format 3\0" + os.urandom(4000))


def cut_catalogue(world: World) -> None:
    whole = world.catalogue.read_bytes()
    world.catalogue.write_bytes(whole[: len(whole) // 3])


def no_catalogue_at_all(world: World) -> None:
    world.catalogue.write_text("my notes\n" * 100, encoding="utf-8")


def others_catalogue(world: World) -> None:
    """Let another user's file be in the way; to root nothing is forbidden, so the system is asked to refuse."""
    if not IS_ROOT:
        world.catalogue.chmod(0)
        return
    real = sqlite3.connect

    def refuse(where: object, *args: object, **more: object) -> object:
        if "catalogue" in str(where):
            raise sqlite3.OperationalError("unable to open database file")
        return real(where, *args, **more)  # type: ignore[call-overload]

    world.patch.setattr(sqlite3, "connect", refuse)
    world.patch.setattr("sqlite3.dbapi2.connect", refuse)


def unwritable_home(world: World) -> None:
    world.file("taken")
    world.patch.setenv(settings.HOME_VARIABLE, str(Path("taken").absolute() / "danmax"))


def small_disk(world: World) -> None:
    usage = shutil.disk_usage(".")
    world.patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))


def down(world: World) -> None:
    world.run_line("remote add far sftp://you@127.0.0.1:1/data/visitors/danmax/20251234/2025110208")
    world.patch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")


def no_such_host(world: World) -> None:
    world.run_line("remote add far sftp://you@no-such-host.invalid/data/visitors/danmax/20251234/2025110208")
    world.patch.setenv(settings.SSH_CARRIER_VARIABLE, "paramiko")


def wrong_password(world: World) -> None:
    world.serve().password = "wrong"


def expired_code(world: World) -> None:
    world.serve().code = "000000"


def other_host_key(world: World) -> None:
    person = world.serve()
    other = "AAAAC3NzaC1lZDI1NTE5AAAAIHqf0mP0nS1ZcJ4Xq2b6m7nC2mZ2s4x8Jw9C4u6rQkYd"
    line = f"[{person.server.host}]:{person.server.port} ssh-ed25519 {other}\n"
    settings.known_hosts_file().write_text(line, encoding="utf-8")


def nobody_answers(world: World) -> None:
    world.serve()
    context.answer_with(None)


def wrong_settings(world: World) -> None:
    world.settings("[get\n")


def misspelled_settings(world: World) -> None:
    world.settings('[temprature]\ndevices = ["x"]\n')


def fetched(world: World) -> None:
    world.fetched()


def without_poni(world: World) -> None:
    world.fetched()
    for path in world.home.glob("process/*.poni"):
        path.unlink()


def other_energy(world: World) -> None:
    world.fetched()
    shutil.copy(next(world.home.glob("process/*20keV.poni")), "other.poni")


def other_mask(world: World) -> None:
    world.fetched()
    import numpy as np

    np.save("mask.npy", np.zeros((7, 5), dtype=np.int8))


def wrong_recipe(world: World) -> None:
    world.file("recipe.toml", "bins = = 3\n")


def misspelled_recipe(world: World) -> None:
    world.file("recipe.toml", "bin = 3000\n")


def without_frames(world: World) -> None:
    world.fetched()
    for path in world.home.glob("raw/*/*_pilatus.h5"):
        path.unlink()


def destination_is_a_file(world: World) -> None:
    world.file("here.txt")


def with_a_folder(_: World) -> None:
    Path("danmax").mkdir()


def empty_folder(world: World) -> None:
    Path("empty").mkdir()


def not_a_master(world: World) -> None:
    world.file("notes/scan-0001.h5", "no HDF5 at all")


def two_remotes(world: World) -> None:
    world.run_line(["remote", "add", "copy", str(world.home)])


def two_remotes_not_indexed(world: World) -> None:
    two_remotes(world)
    not_indexed(world)


def nothing_at_all(world: World) -> None:
    without_remotes(world)
    not_indexed(world)


Prepare = Callable[[World], None]
MISTAKES: list[tuple[str, Prepare, int, tuple[str, ...]]] = [
    # Words of the call.
    ("serach LaB6", nothing, 2, ("serach", "did you mean search?", "danmax-sync search --help")),
    ("remote ad danmax x", nothing, 2, ("did you mean add?",)),
    ("search --sorted energy", nothing, 2, ("--sorted", "did you mean --sort?")),
    ("search --sort", nothing, 2, ("--sort", "--help")),
    ("search -n many", nothing, 2, ("many", "whole number", "danmax-sync search --help")),
    ("show", nothing, 2, ("SCAN", "for example: danmax-sync show 42")),
    ("integrate 42 --split ful", nothing, 2, ("--split", "'full'")),
    # Queries.
    ("search enrgy:35", nothing, 2, ("enrgy", "did you mean energy", "danmax-sync fields")),
    ("search energy:35kV", nothing, 2, ("35kV", "keV")),
    ("search temperature:25nm", nothing, 2, ("25nm", "K")),
    ("search energy:", nothing, 2, ("energy:",)),
    ("search temperature:400..300", nothing, 2, ("400..300", "300..400")),
    ("search date:2026-13-45", nothing, 2, ("2026-13-45", "date:2026-03-01")),
    ("search '(LaB6'", nothing, 2, ("bracket",)),
    ("search -c scna", nothing, 2, ("scna", "did you mean scan")),
    ("show 9999", nothing, 1, ("9999", "danmax-sync search")),
    ("search sample:Gold", nothing, 1, ("Gold", "danmax-sync search")),
    ("search @hot", nothing, 2, ("@hot", "danmax-sync search --saved")),
    # The catalogue.
    ("get 42", not_indexed, 1, ("catalogue is empty", "danmax-sync index usb")),
    ("search LaB6", nothing_at_all, 1, ("catalogue is empty", "danmax-sync remote add NAME URI")),
    ("search LaB6", two_remotes_not_indexed, 1, ("catalogue is empty", "danmax-sync index copy usb")),
    ("search LaB6", newer_catalogue, 8, ("newer",)),
    ("search LaB6", damaged_catalogue, 8, ("catalogue.db", "danmax-sync")),
    ("search LaB6", cut_catalogue, 8, ("catalogue.db", ".backup")),
    ("search LaB6", no_catalogue_at_all, 8, ("catalogue.db",)),
    ("search LaB6", others_catalogue, 8, ("catalogue.db",)),
    ("--catalogue nowhere/at/all.db db check", nothing, 8, ("all.db",)),
    ("--catalogue elsewhere/thesis.db search LaB6", nothing, 8, ("no catalogue", "thesis.db", "thesis.db index")),
    ("search LaB6", unwritable_home, 8, ("taken", "DANMAX_SYNC_HOME")),
    ("remote add new /tmp", unwritable_home, 2, ("taken", "DANMAX_SYNC_HOME")),
    # Places.
    ("index nowhere/at/all", nothing, 2, ("nowhere/at/all", "danmax-sync remote list")),
    ("index danmx", nothing, 2, ("danmx", "usb")),
    ("get 42 --from danmx", nothing, 2, ("danmx", "usb", "danmax-sync remote add")),
    ("remote add danmax htp://sftp.maxiv.lu.se/data", nothing, 2, ("htp", "sftp://")),
    ("remote add 'my visit' sftp://you@host/data", nothing, 2, ("my visit", "letters")),
    ("get 42", without_remotes, 2, ("no remote", "danmax-sync remote add")),
    ("get 42", nothing, 2, ("where to?", "danmax-sync get 42 --to 2025110208")),
    ("get 42 --to here.txt", destination_is_a_file, 2, ("here.txt", "--to DIR")),
    ("get 42 --to home --max-total lots", nothing, 2, ("lots", "50M")),
    ("get 42 --to home", small_disk, 3, ("home", "space")),
    ("get --follow sample:Gold", two_remotes, 2, ("copy, usb", "--from NAME")),
    ("remote test far", down, 5, ("127.0.0.1",)),
    ("index far", no_such_host, 5, ("no-such-host.invalid",)),
    ("remote test facility", wrong_password, 4, ("127.0.0.1", "password")),
    ("remote test facility", expired_code, 4, ("code",)),
    ("remote test facility", other_host_key, 4, ("known_hosts",)),
    ("login", nothing, 2, ("usb", "danmax-sync index usb")),
    ("remote test", two_remotes, 2, ("copy, usb", "danmax-sync remote test copy")),
    ("get 42 -n 3", nothing, 2, ("-n", "danmax-sync get --help")),
    ("get 42 -dry-run", nothing, 2, ("two dashes, --dry-run",)),
    ("remote test facility", nobody_answers, 4, ("danmax-sync login",)),
    # Settings and recipes.
    ("index usb", wrong_settings, 2, ("settings.toml", "danmax-sync settings edit")),
    ("index usb", misspelled_settings, 2, ("temprature", "did you mean temperature?", "settings edit")),
    ("integrate 42 --recipe recipe.toml", wrong_recipe, 2, ("recipe.toml", "bins = 3000")),
    ("integrate 42 --recipe recipe.toml", misspelled_recipe, 2, ("recipe.toml", "bin", "bins")),
    ("integrate 42 --recipe nowhere.toml", nothing, 2, ("nowhere.toml",)),
    # What is on this disk.
    ("integrate 42", nothing, 5, ("scan 42 is not on this disk", "danmax-sync get 42")),
    ("integrate 42", without_poni, 5, ("poni", "process")),
    ("integrate 42 --poni other.poni", other_energy, 7, ("other.poni", "keV")),
    ("integrate 42 --mask mask.npy", other_mask, 7, ("mask.npy", "7")),
    ("integrate 42 --monitor albaem_ch9", fetched, 7, ("albaem_ch9",)),
    ("integrate 42 --bins 5", nothing, 2, ("--bins", "10")),
    ("integrate 42 --range 30..2", nothing, 2, ("30",)),
    ("integrate 42", without_frames, 5, ("scan-0042_pilatus.h5", "danmax-sync get")),
    ("export 42 --format xye -o out", fetched, 5, ("42", "danmax-sync integrate 42")),
    ("plot 42", fetched, 5, ("integrated", "danmax-sync integrate")),
    ("plot 42 -o curve.gif", fetched, 2, ("curve.gif", ".png")),
    ("search sample=LaB6", nothing, 1, ("did you mean sample:LaB6?",)),
    ("search temprature:300", nothing, 2, ("did you mean temperature",)),
    ("index danmx", with_a_folder, 2, ("no remote 'danmx', and no such folder; did you mean danmax?", "usb")),
    ("remote remove usv", nothing, 2, ("did you mean usb?", "danmax-sync remote list")),
    ("verify danmx", with_a_folder, 1, ("nor is there a folder 'danmx'", "danmax-sync verify danmax")),
    ("verify 42", nothing, 1, ("danmax-sync get 42",)),
    ("tag add 42 very good", nothing, 1, ("a tag is one word", "danmax-sync tag add 42 very_good")),
    ("report 42 -o danmax", with_a_folder, 2, ("danmax is a folder", "-o danmax/report.html")),
    ("verify empty", empty_folder, 1, ("empty",)),
    ("verify notes", not_a_master, 6, ("scan-0001.h5",)),
    ("verify nowhere", nothing, 1, ("nowhere",)),
]


@pytest.fixture
def world(
    folder_remote: Path,
    tmp_path: Path,
    run_line: RunLine,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> World:
    """Put the user into an empty folder."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    return World(folder_remote, tmp_path / "cwd" / "home", run_line, monkeypatch, request)


def lines_on_screen(text: str, world: World) -> int:
    """Return how many lines a text takes; where the tests happen to run makes no line longer than a home would."""
    for path in (str(world.home.parent), str(settings.home()), str(world.facility.parents[2])):
        text = text.replace(path, "/home/you")
    return sum(max(1, len(textwrap.wrap(line, COLUMNS, break_on_hyphens=False))) for line in text.splitlines())


@pytest.mark.parametrize(
    ("line", "prepare", "code", "said"), MISTAKES, ids=[f"{line}-{how.__name__}" for line, how, *_ in MISTAKES]
)
def test_a_mistake_is_answered_in_four_lines(
    line: str, prepare: Prepare, code: int, said: tuple[str, ...], world: World
) -> None:
    """With what, where, and what to type next."""
    prepare(world)
    ran = world.run_line(line, exit_code=code)
    assert not ran.out
    assert "error: " in ran.err
    assert "→" in ran.err, f"it does not say what to do next:\n{ran.err}"
    assert [word for word in said if word not in ran.err] == [], ran.err
    # Two fingerprints of fifty characters, both needed to judge a changed key, take a line more.
    most = 5 if prepare is other_host_key else 4
    assert lines_on_screen(ran.err, world) <= most, f"too long:\n{ran.err}"


def test_there_are_thirty_of_them() -> None:
    """All different."""
    assert len({(line, how.__name__) for line, how, *_ in MISTAKES}) >= 30
