"""Ask a catalogue in the query language."""

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import NothingMatchedError
from danmax_sync.query.parser import parse
from danmax_sync.query.sql import condition


def search(catalogue: Catalogue, text: str, *, limit: int | None = None) -> list[CataloguedScan]:
    """Return the scans a query means, oldest first.

    Raises
    ------
    UsageError
        If the query cannot be understood.
    """
    return catalogue.scans(condition(parse(text), catalogue.field_names()), limit=limit)


def search_some(catalogue: Catalogue, text: str) -> list[CataloguedScan]:
    """Return the scans a query means, at least one.

    Raises
    ------
    NothingMatchedError
        If there is none; the message tells an empty catalogue from a query that is too narrow.
    """
    found = search(catalogue, text)
    if found:
        return found
    total = catalogue.count()
    if not total:
        raise NothingMatchedError("the catalogue is empty", hint="fill it first: danmax-sync index DIR or NAME")
    raise NothingMatchedError(f"none of {total} scans matches {text!r}", hint="see all: danmax-sync search")
