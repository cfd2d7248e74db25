"""Reading a logbook again and again: what changed comes, what did not is not asked for, what was read is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ConnectionLostError, UsageError
from danmax_sync.events import Event
from danmax_sync.logbook import elogy as calls
from danmax_sync.logbook import web
from danmax_sync.testing.elogy import ElogyAnswer, ElogyService
from tests.catalogue.records import FIRST_START, Filler, record
from tests.logbook.conftest import Sync

DAY = timedelta(days=1)


def asked_for(elogy: ElogyService) -> list[int]:
    """Return the entries that were read one by one."""
    return [int(path.split("/")[3]) for path in elogy.asked if path.startswith("/api/entries/")]


def texts(catalogue: Catalogue) -> dict[int, list[str]]:
    """Return what the logbook says of each scan."""
    return {scan.number or 0: [entry.text for entry in catalogue.log_entries(scan.id)] for scan in catalogue.scans()}


def test_entries_come_with_their_scans(elogy: ElogyService, sync: Sync, catalogue: Catalogue) -> None:
    """By number, by file, by what they answer and by time; the summary counts."""
    filler = Filler(catalogue)
    for number in (42, 43, 44):
        filler.add(record(number, start=FIRST_START + timedelta(hours=number)))
    first = elogy.write("LaB6", "<p>scans <b>42</b> and 43</p>", at=FIRST_START + 2 * DAY)
    elogy.write(None, "<p>quench</p>", at=FIRST_START + 3 * DAY, follows=first)
    elogy.write("", "raw/LaB6/scan-0044_pilatus.h5 is fine", at=FIRST_START + 3 * DAY)
    elogy.write("", "beam is back", at=FIRST_START + timedelta(hours=43, minutes=1))
    elogy.write("lunch", None, at=FIRST_START + 4 * DAY)
    summary = sync()
    assert (summary.name, summary.entries, summary.linked, summary.new) == ("DanMAX", 5, 4, 4)
    assert texts(catalogue) == {
        42: ["scans 42 and 43", "quench"],
        43: ["beam is back", "scans 42 and 43", "quench"],
        44: ["raw/LaB6/scan-0044_pilatus.h5 is fine"],
    }
    assert [entry.how for scan in catalogue.scans() for entry in catalogue.log_entries(scan.id)] == [
        *("number", "answer", "time", "number", "answer", "file")
    ]


def test_only_what_changed_is_read_again(elogy: ElogyService, sync: Sync, catalogue: Catalogue) -> None:
    """A new entry, an edited one, an answer to an old one; and what happened in the second that was seen last."""
    Filler(catalogue).add(record(1))
    first, second, third = (elogy.write("", f"scan 1: {n}", at=FIRST_START + n * DAY) for n in (1, 2, 3))
    sync()
    assert asked_for(elogy) == [third, second, first]
    again = sync()
    assert asked_for(elogy) == [third]
    assert (again.new, again.changed, again.unchanged) == (0, 0, 3)
    assert 0 <= again.seconds < 60
    elogy.edit(first, content="scan 1: better", at=FIRST_START + 4 * DAY)
    elogy.write("", "scan 1: answer", at=FIRST_START + 5 * DAY, follows=second)
    summary = sync()
    assert (summary.new, summary.changed, summary.unchanged) == (0, 2, 1)
    assert asked_for(elogy) == [second, first, third]
    assert sorted(texts(catalogue)[1]) == ["scan 1: 2", "scan 1: 3", "scan 1: answer", "scan 1: better"]


def test_a_second_run_ends_where_the_first_began(
    elogy: ElogyService, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long list is not gone through again, although pinned entries stand first."""
    monkeypatch.setattr(calls, "PAGE", 3)
    for _ in range(3):
        elogy.write("pinned", "old", at=FIRST_START, priority=100)
    for n in range(1, 18):
        elogy.write("", f"entry {n}", at=FIRST_START + n * DAY)
    assert sync().new == 20
    assert len(elogy.asked) - len(asked_for(elogy)) == 8
    newest = elogy.write("", "newest", at=FIRST_START + 30 * DAY)
    assert sync().new == 1
    assert newest in asked_for(elogy)
    assert len(elogy.asked) - len(asked_for(elogy)) <= 3


def test_all_reads_all(elogy: ElogyService, sync: Sync, catalogue: Catalogue) -> None:
    """An answer to an answer does not show in the list: that is what ``--all`` is for."""
    Filler(catalogue).add(record(1))
    first = elogy.write("", "scan 1", at=FIRST_START + DAY)
    answer = elogy.write("", "answer", at=FIRST_START + DAY, follows=first)
    elogy.write("", "newer", at=FIRST_START + 20 * DAY)
    sync()
    elogy.write("", "deep", at=FIRST_START + 30 * DAY, follows=answer)
    sync()
    assert texts(catalogue) == {1: ["scan 1", "answer"]}
    sync(everything=True)
    assert texts(catalogue) == {1: ["scan 1", "answer", "deep"]}


def test_what_was_read_before_a_break_is_kept(
    elogy: ElogyService, sync: Sync, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And linked; the next run reads the rest alone, and only then counts as whole."""
    monkeypatch.setattr(web, "PAUSES_S", ())
    Filler(catalogue).add(record(1))
    numbers = [elogy.write("", f"scan 1: {n}", at=FIRST_START + n * DAY) for n in range(4)]
    listed = elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {})
    newest = elogy.answer(f"/api/entries/{numbers[-1]}/", {})
    elogy.faults += [listed, newest, ElogyAnswer(503)]
    with pytest.raises(ConnectionLostError) as caught:
        sync()
    assert "what was read is kept" in caught.value.hint
    assert texts(catalogue) == {1: ["scan 1: 3"]}
    assert catalogue.logbooks()[0].synced_to is None
    assert sync().new == 3
    assert numbers[-1] not in asked_for(elogy)
    assert catalogue.logbooks()[0].synced_to is not None


def test_ctrl_c_keeps_what_is_done(elogy: ElogyService, sync: Sync, catalogue: Catalogue) -> None:
    """At any entry."""
    for n in range(5):
        elogy.write("", "x", at=FIRST_START + n * DAY)

    def stop(event: Event) -> None:
        if event.fields["done"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(tell=stop)
    assert catalogue.logbooks()[0].entries == 2
    assert sync().new == 3


def test_an_entry_that_goes_while_it_is_read(elogy: ElogyService, sync: Sync) -> None:
    """Is told, and does not stop the others."""
    elogy.write("", "stays", at=FIRST_START)
    elogy.write("", "goes", at=FIRST_START + DAY)
    elogy.faults += [elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {}), ElogyAnswer(404)]
    heard: list[Event] = []
    assert sync(tell=heard.append).entries == 1
    assert [event.fields["message"] for event in heard if event.name == "warning"] == [
        "entry 102 has gone since it was listed"
    ]


def test_an_entry_of_a_day_to_come_hides_nothing(
    elogy: ElogyService, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is wrong once: what changes later is read all the same, however far down in the list."""
    monkeypatch.setattr(calls, "PAGE", 2)
    old = [elogy.write("", "old", at=FIRST_START + n * DAY) for n in range(4)]
    elogy.write("", "from the future", at=datetime.now(UTC) + 3000 * DAY)
    sync()
    for number in old:
        elogy.edit(number, content="new", at=datetime.now(UTC) + DAY)
    assert sync().changed == 4


@pytest.mark.parametrize("done", [1, 3])
def test_a_logbook_that_is_removed_while_it_is_read(
    elogy: ElogyService, sync: Sync, catalogue: Catalogue, done: int
) -> None:
    """Stays removed, and that is said, in the middle as at the end."""
    for n in range(3):
        elogy.write("", "x", at=FIRST_START + n * DAY)

    def remove(event: Event) -> None:
        if event.name == "progress" and event.fields["done"] == done:
            catalogue.forget_logbook(catalogue.logbooks()[0])

    with pytest.raises(UsageError, match="was removed from the catalogue while it was read"):
        sync(tell=remove)
    assert catalogue.logbooks() == []


def test_a_service_that_repeats_itself_is_left(
    elogy: ElogyService, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not know how to turn pages would send the first for ever."""
    first_page = elogy._list
    monkeypatch.setattr(ElogyService, "_list", lambda _, n, __: first_page(n, 0))
    for n in range(3):
        elogy.write("", "x", at=datetime.now(UTC) - n * DAY)
    assert sync().new == 3
    assert len(elogy.asked) < 8
