"""Lists are put in order by the database as the list itself would do it, and scans are read as they are looked at."""

import random
from datetime import timedelta

import pytest

from danmax_sync.catalogue import found as found_module
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.schema import scan
from danmax_sync.errors import CatalogueError
from danmax_sync.query.ordering import order_of
from danmax_sync.scanfile.record import ScanRecord
from tests.catalogue.records import FIRST_START, Filler, column, record

NAN = float("nan")


def fill(catalogue: Catalogue, count: int = 12) -> None:
    """Put scans into a catalogue whose values repeat, are missing, or are texts and numbers under one name."""
    rng, filler = random.Random(0), Filler(catalogue)
    for number in range(1, count + 1):
        snapshot: dict[str, float | str | None] = {
            "hex_x": rng.choice([1.0, 2.0, -3.5, NAN, None]),
            "mode": rng.choice(["Open", "closed", "ajar", 2.0, None, ""]),
            "always": 1.0,
        }
        made: ScanRecord = record(
            number,
            energy=rng.choice([None, 20.0, 35.0]),
            start=FIRST_START + timedelta(seconds=rng.randrange(100)) if number % 4 else None,
            title=rng.choice(["", "ascan x", "Bscan", "ascan x 2"]),
            snapshot=snapshot,
            columns=[column("hex_x", 0.0, 9.0)] if number % 5 == 0 else [],
        )
        filler.add(made, at=f"raw/{rng.choice(['Si', 'LaB6', 'ceo2'])}/scan-{number:04d}.h5")


@pytest.mark.parametrize(
    "text", ["keV", "-energy,scan", "title", "-title,-scan", "sample,-start", "hex_x", "-hex_x", "mode", "-mode", "end"]
)
def test_the_database_orders_as_the_list_does(catalogue: Catalogue, text: str) -> None:
    """Missing last either way, numbers before texts, capitals like small letters, equals in their usual order."""
    from danmax_sync.cli.display import _sorted
    from danmax_sync.cli.scans import recorded_columns, scan_columns

    fill(catalogue)
    order = order_of(text, catalogue.field_names())
    assert order is not None
    scans = catalogue.scans()
    more = recorded_columns(catalogue, [each.id for each in scans])
    expected = _sorted(scans, scan_columns(), lambda each: each.to_json(), text, more)
    assert [each.number for each in catalogue.find(order_by=order)] == [each.number for each in expected]


def test_what_no_database_knows_is_left_to_the_list(catalogue: Catalogue) -> None:
    """Columns worked out of several, wildcards and unknown names; no order is an order."""
    fill(catalogue, 1)
    names = catalogue.field_names()
    assert order_of("", names) == []
    assert order_of("where", names, others=frozenset({"where"})) is None
    assert order_of("hex_x,nosuch", names) is None
    assert order_of("*", names) is None


def test_scans_are_read_as_they_are_looked_at(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """By index, slice and in turn, in batches of which some are kept."""
    fill(catalogue)
    monkeypatch.setattr(found_module, "BATCH", 5)
    monkeypatch.setattr(found_module, "_KEPT", 2)
    every = catalogue.scans()
    found = catalogue.find()
    assert len(found) == 12
    assert list(found) == every
    assert list(found[3:9]) == every[3:9]
    assert (found[0], found[-1], found[7]) == (every[0], every[-1], every[7])
    with pytest.raises(IndexError):
        found[12]


def test_a_scan_that_was_removed_meanwhile_is_left_out(catalogue: Catalogue) -> None:
    """Of all that are gone through; who asks for this one is told."""
    fill(catalogue)
    found, every = catalogue.find(), catalogue.scans()
    with catalogue.writer() as writer:
        writer.connection.execute(scan.delete().where(scan.c.id == every[2].id))
    assert list(found) == [*every[:2], *every[3:]]
    with pytest.raises(CatalogueError, match="removed"):
        found[2]
