"""What is recorded at all, over many scans, and what two scans differ in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.chosen import Span, chosen_values
from danmax_sync.catalogue.comparison import Difference, differences
from danmax_sync.catalogue.overview import FieldOverview, field_overviews
from danmax_sync.catalogue.schema import field, scan, value
from tests.catalogue.records import Filler, column, record
from tests.databases import KINDS, empty_catalogue, server_of

NAN = float("nan")


@pytest.fixture(params=KINDS)
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    """Keep three scans: numbers that tremble, texts, NaN, what only one has, and columns of points."""
    with empty_catalogue(server_of(request), tmp_path) as made:
        filler = Filler(made)
        filler.add(
            record(
                1, snapshot={"hdcm_energy": 35.0, "mode": "open", "lens": 1.0, "odd": NAN}, columns=[column("dt", 0, 1)]
            )
        )
        filler.add(
            record(
                2,
                snapshot={"hdcm_energy": 35.0000001, "mode": "shut", "lens": 1.0, "odd": NAN},
                columns=[column("dt", 0, 2), column("lens", 3, 4)],
            )
        )
        filler.add(
            record(3, snapshot={"hdcm_energy": 35.0, "mode": "open", "only": 5.0}, columns=[column("dt", None, None)])
        )
        yield made


def overview(catalogue: Catalogue, name: str, *, tolerance: float = 0.0, **numbers: int) -> FieldOverview:
    """Return what is known of a name, which must be there once."""
    where = scan.c.number <= numbers["up_to"] if numbers else None
    (found,) = [each for each in field_overviews(catalogue, where, tolerance=tolerance) if each.name == name]
    return found


def test_a_number_has_its_range_and_the_scans_that_have_it(catalogue: Catalogue) -> None:
    """Unit and description come from what the beamline says of the name."""
    found = overview(catalogue, "hdcm_energy")
    assert (found.origin, found.scans, found.least, found.greatest) == ("snapshot", 3, 35.0, 35.0000001)
    assert found.unit == "keV"
    assert "hDCM" in found.description
    assert overview(catalogue, "only").scans == 1


def test_texts_are_shown_by_examples_the_most_frequent_first(catalogue: Catalogue) -> None:
    """They have no range."""
    found = overview(catalogue, "mode")
    assert (found.least, found.greatest, found.texts) == (None, None, ("open", "shut"))


def test_no_more_than_three_texts_are_shown(tmp_path: Path) -> None:
    """However many there are."""
    with Catalogue.open(str(tmp_path / "other.db")) as catalogue:
        filler = Filler(catalogue)
        for number in range(1, 6):
            filler.add(record(number, snapshot={"file": f"name{number}"}))
        assert overview(catalogue, "file").texts == ("name1", "name2", "name3")


def test_a_column_of_points_counts_from_its_least_to_its_greatest(catalogue: Catalogue) -> None:
    """A name that is both a channel and in the snapshot has two rows; a column of NaN alone has no range."""
    found = overview(catalogue, "dt")
    assert (found.origin, found.scans, found.least, found.greatest) == ("channel", 3, 0.0, 2.0)
    both = [(each.origin, each.least) for each in field_overviews(catalogue) if each.name == "lens"]
    assert both == [("channel", 3.0), ("snapshot", 1.0)]


def test_only_the_scans_of_the_condition_count(catalogue: Catalogue) -> None:
    """What they lack is not listed."""
    names = {each.name for each in field_overviews(catalogue, scan.c.number <= 2)}
    assert "only" not in names
    assert overview(catalogue, "dt", up_to=1).greatest == 1.0
    assert overview(catalogue, "mode", up_to=1).texts == ("open",)
    assert field_overviews(catalogue, scan.c.number > 99) == []


def test_scans_differ_in_values_not_in_what_they_lack(catalogue: Catalogue) -> None:
    """A value some scans lack, or NaN in all, is no difference; other ends of a column are."""
    varying = {(each.name, each.origin) for each in field_overviews(catalogue) if each.spread}
    assert varying == {("hdcm_energy", "snapshot"), ("mode", "snapshot"), ("dt", "channel")}


def test_noise_of_an_encoder_can_be_ignored(catalogue: Catalogue) -> None:
    """The tolerance is relative to the larger number."""
    assert overview(catalogue, "hdcm_energy", tolerance=1e-9).spread
    assert not overview(catalogue, "hdcm_energy", tolerance=1e-6).spread
    assert overview(catalogue, "dt", tolerance=1e-6).spread


def test_many_fields_are_not_asked_one_by_one(catalogue: Catalogue) -> None:
    """A handful of aggregates over indexes, not a question a field."""
    with catalogue.engine.begin() as connection:
        connection.execute(
            field.insert(), [{"id": at, "name": f"field{at}", "origin": "snapshot"} for at in range(1000, 1200)]
        )
        row = dict(connection.execute(scan.select().limit(1)).mappings().one())
        scans = [{**row, "id": at, "key": f"key{at}", "number": at} for at in range(1000, 1020)]
        connection.execute(scan.insert(), scans)
        connection.execute(
            value.insert(),
            [
                {"scan_id": each["id"], "field_id": at, "number": float(each["id"] * at), "text": None, "nan": 0}
                for each in scans
                for at in range(1000, 1200)
            ],
        )
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(catalogue.engine, "before_cursor_execute", note)
    assert sum(each.spread for each in field_overviews(catalogue)) >= 200
    assert sum(each.spread for each in field_overviews(catalogue, scan.c.number >= 1010)) >= 200
    assert 0 < len(asked) < 50


def test_values_of_many_scans_under_a_name(catalogue: Catalogue) -> None:
    """Points come before the snapshot's value of the same name; what is not there is left out."""
    ids = {each.number: each.id for each in catalogue.scans()}
    found = chosen_values(catalogue, ["lens", "mode", "odd", "dt"], [ids[1], ids[2]])
    assert found["lens"] == {ids[1]: 1.0, ids[2]: Span(3.0, 4.0)}
    assert found["mode"] == {ids[1]: "open", ids[2]: "shut"}
    assert found["odd"] == {}
    assert chosen_values(catalogue, ["dt"], [ids[3]]) == {"dt": {}}


def test_values_of_more_scans_than_one_statement_names(catalogue: Catalogue) -> None:
    """Then all are read, and those asked for kept."""
    ids = {each.number: each.id for each in catalogue.scans()}
    many = [ids[1], *range(10_000, 10_600)]
    assert chosen_values(catalogue, ["mode"], many) == {"mode": {ids[1]: "open"}}


def test_a_scan_does_not_differ_from_itself(catalogue: Catalogue) -> None:
    """NaN is equal to NaN here."""
    first = catalogue.scans()[0]
    assert differences(catalogue, first, first) == []


def test_differences_name_both_sides(catalogue: Catalogue) -> None:
    """Facts first, then the snapshot, then the statistics of points; a value only one has is a difference."""
    one, other, third = catalogue.scans()
    found = differences(catalogue, one, other)
    assert [(each.name, each.origin) for each in found] == [
        ("start", "scan"),
        ("hdcm_energy", "snapshot"),
        ("mode", "snapshot"),
        ("dt max", "channel"),
        ("dt mean", "channel"),
        *((f"lens {statistic}", "channel") for statistic in ("NaN", "first", "max", "mean", "min", "points")),
    ]
    by_name = {each.name: each for each in found}
    assert by_name["hdcm_energy"].difference == pytest.approx(1e-7)
    assert by_name["hdcm_energy"].unit == "keV"
    assert by_name["mode"] == Difference("mode", "snapshot", "open", "shut")
    assert by_name["mode"].difference is None
    assert by_name["dt max"].to_json()["difference"] == 1.0
    lacking = {each.name: each for each in differences(catalogue, one, third)}
    assert (lacking["only"].left, lacking["only"].right) == (None, 5.0)
    assert (lacking["odd"].left, lacking["odd"].right) == ("NaN", None)


def test_differences_within_the_tolerance_are_none(catalogue: Catalogue) -> None:
    """Facts follow it too."""
    one, other, _ = catalogue.scans()
    assert "hdcm_energy" not in {each.name for each in differences(catalogue, one, other, tolerance=1e-6)}
    nearly = replace(other, energy_kev=35.00000001)
    assert "energy" in {each.name for each in differences(catalogue, one, nearly)}
    assert "energy" not in {each.name for each in differences(catalogue, one, nearly, tolerance=1e-6)}
