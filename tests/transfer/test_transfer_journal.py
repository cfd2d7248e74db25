"""What transfers must not forget, and how little it matters when it is forgotten."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from danmax_sync.errors import UnfinishedError
from danmax_sync.events import Event
from danmax_sync.transfer import journal as journals
from danmax_sync.transfer.journal import BegunPart, CheckedFile, Journal, UnfinishedSet

HOME = Path("/data/home")
PART = BegunPart("sftp://facility/visit", 300, 17, 100, (1, -1, 2**32 - 1))
SET = UnfinishedSet(str(HOME), "raw/a.h5", "facility", "scan 1", "failed", "broke", "run again", 300)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return where the journal is."""
    return tmp_path / "transfers.db"


def test_what_is_noted_is_there_for_the_next_run(place: Path) -> None:
    """Parts by destination and path; the last note counts."""
    with Journal.open(place) as journal:
        journal.keep_part(HOME, "raw/a.h5", BegunPart("old", 1, 1, 1, (1,)))
        journal.keep_part(HOME, "raw/a.h5", PART)
        journal.keep_part(HOME / "other", "raw/b.h5", PART)
        journal.keep_unfinished([SET])
    with Journal.open(place) as journal:
        assert journal.begun(HOME) == {"raw/a.h5": PART}
        (unfinished,) = journal.unfinished()
        assert unfinished.updated > 0
        assert (unfinished.master, unfinished.message, unfinished.bytes) == ("raw/a.h5", "broke", 300)
        journal.forget_parts(HOME, ["raw/a.h5", "raw/never.h5"])
        assert journal.begun(HOME) == {}
        assert journal.begun(HOME / "other") == {"raw/b.h5": PART}


def test_a_finished_set_is_no_longer_unfinished_and_its_files_no_parts(place: Path) -> None:
    """All at once; what was left out on purpose is remembered until it is not left out any more."""
    checked = CheckedFile(300, 17, "structure", 100, (1, 2, 3))
    with Journal.open(place) as journal:
        journal.keep_part(HOME, "raw/a.h5", PART)
        journal.keep_unfinished([SET])
        done = {"checked": [("raw/a.h5", checked)], "finished": ["raw/a.h5"]}
        journal.settle(HOME, left_out=[("raw/a.h5", ("raw/x.h5", "raw/y.h5"))], **done)  # type: ignore[arg-type]
        assert journal.begun(HOME) == {}
        assert journal.unfinished() == []
        assert journal.checked(HOME) == {"raw/a.h5": checked}
        assert journal.left_out(HOME) == {"raw/a.h5": ("raw/x.h5", "raw/y.h5")}
        journal.settle(HOME, left_out=[("raw/a.h5", ())], **done)  # type: ignore[arg-type]
        assert journal.left_out(HOME) == {}


@pytest.mark.parametrize("damage", ["no database", "in the middle", "cut", "newer"])
def test_a_damaged_journal_is_set_aside_and_work_begins_anew(damage: str, place: Path) -> None:
    """It is kept under another name, which one warning tells; so is that of a newer version."""
    with Journal.open(place) as journal:
        journal.keep_part(HOME, "raw/a.h5", BegunPart("sftp://facility/visit", 300, 17, 100, tuple(range(9000))))
    whole = place.read_bytes()
    if damage == "no database":
        place.write_bytes(b"not a database at all" * 100)
    elif damage == "in the middle":
        # Every page but the first, which holds the tables' descriptions.
        place.write_bytes(whole[:4096] + bytes([255]) * (len(whole) - 4096))
    elif damage == "cut":
        place.write_bytes(whole[: len(whole) // 2])
    else:
        connection = sqlite3.connect(place)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    before = place.read_bytes()
    heard: list[Event] = []
    with Journal.open(place, tell=heard.append) as journal:
        assert journal.begun(HOME) == {}
        journal.keep_part(HOME, "raw/a.h5", PART)
    (aside,) = place.parent.glob("transfers.db.damaged-*")
    assert aside.read_bytes() == before
    (told,) = heard
    assert (told.name, told.fields["path"]) == ("warning", str(place))
    assert f"is kept as {aside}" in str(told.fields["message"])
    assert "fetched anew" in str(told.fields["message"])
    with Journal.open(place, tell=heard.append) as journal:
        assert journal.begun(HOME) == {"raw/a.h5": PART}
    assert heard == [told]


def test_a_journal_that_somebody_holds_is_not_a_damaged_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, then named, and never set aside."""
    monkeypatch.setattr(journals, "_PATIENCE_S", 0.05)
    with Journal.open(place) as journal:
        journal.keep_part(HOME, "raw/a.h5", PART)
        holder = sqlite3.connect(place, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnfinishedError, match=r"transfers\.db cannot be used: database is locked") as caught:
            Journal.open(place)
        assert caught.value.hint == "mend that, then run again"
        with pytest.raises(UnfinishedError, match="locked"):
            journal.keep_part(HOME, "raw/b.h5", PART)
        holder.execute("ROLLBACK")
        holder.close()
        journal.keep_part(HOME, "raw/b.h5", PART)
        assert set(journal.begun(HOME)) == {"raw/a.h5", "raw/b.h5"}
    assert list(place.parent.glob("*.damaged-*")) == []


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder stands in its place, or the folder is gone."""
    (tmp_path / "transfers.db").mkdir()
    for place in (tmp_path / "transfers.db", tmp_path / "gone" / "transfers.db"):
        with pytest.raises(UnfinishedError, match="cannot be used"):
            Journal.open(place)


def test_checksums_of_odd_bytes_are_none(place: Path) -> None:
    """Whoever edits it by hand cannot make it a bug; the part is begun anew then."""
    with Journal.open(place) as journal:
        journal.keep_part(HOME, "raw/a.h5", PART)
    connection = sqlite3.connect(place)
    with connection:
        connection.execute("UPDATE part SET checksums = 'text'")
    connection.close()
    with Journal.open(place) as journal:
        assert journal.begun(HOME)["raw/a.h5"].checksums == ()


WRITER = """
import sys
from pathlib import Path
from danmax_sync.transfer.journal import BegunPart, Journal
with Journal.open(Path(sys.argv[1])) as journal:
    for n in range(40):
        journal.keep_part(Path(sys.argv[2]), f"raw/{n}.h5", BegunPart("s", n, n, 1, (n,)))
"""


def test_two_processes_share_one(place: Path) -> None:
    """Both make it at once, and neither loses a note."""
    runs = [subprocess.Popen([sys.executable, "-c", WRITER, str(place), f"/home/{n}"]) for n in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    with Journal.open(place) as journal:
        assert [len(journal.begun(Path(f"/home/{n}"))) for n in range(2)] == [40, 40]
    assert list(place.parent.glob("*.damaged-*")) == []
