"""Queries kept under names in the catalogue."""

from pathlib import Path

from sqlalchemy import select

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.database import reading
from danmax_sync.catalogue.saved import forget_query, save_query, saved_queries
from danmax_sync.catalogue.schema import saved_query


def test_a_new_catalogue_has_no_saved_queries(catalogue: Catalogue) -> None:
    """An empty mapping, not an error."""
    assert saved_queries(catalogue.engine) == {}


def test_saved_queries_come_back_in_the_order_of_their_names(catalogue: Catalogue) -> None:
    """With their texts to the letter, quotes and signs beyond ASCII too."""
    texts = {"hot": "temperature:300..", "b": "title:\"50 % ±\" OR 'it'", "Å": "energy:0.35Å"}
    for name, text in texts.items():
        save_query(catalogue.engine, name, text)
    assert saved_queries(catalogue.engine) == texts
    assert list(saved_queries(catalogue.engine)) == sorted(texts)


def test_saving_again_replaces_the_text_and_its_date(catalogue: Catalogue) -> None:
    """One row a name."""
    save_query(catalogue.engine, "hot", "a")
    with reading(catalogue.engine) as connection:
        first = connection.execute(select(saved_query.c.saved_at)).scalar_one()
    save_query(catalogue.engine, "hot", "b")
    with reading(catalogue.engine) as connection:
        row = connection.execute(select(saved_query)).one()
    assert (row.name, row.text) == ("hot", "b")
    assert row.saved_at > first


def test_forgetting_says_whether_there_was_one(catalogue: Catalogue) -> None:
    """And leaves the others alone."""
    save_query(catalogue.engine, "hot", "a")
    save_query(catalogue.engine, "cold", "b")
    assert not forget_query(catalogue.engine, "ho")
    assert forget_query(catalogue.engine, "hot")
    assert saved_queries(catalogue.engine) == {"cold": "b"}


def test_saved_queries_outlive_the_connection(tmp_path: Path) -> None:
    """They are in the catalogue, not in the program."""
    where = str(tmp_path / "catalogue.db")
    with Catalogue.open(where) as first:
        save_query(first.engine, "hot", "a")
    with Catalogue.open(where) as second:
        assert saved_queries(second.engine) == {"hot": "a"}
