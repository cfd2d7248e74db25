"""What a Python program handed over: a catalogue, a source, a plan; else what is expected is said."""

from danmax_sync.catalogue.given import unexpected
from danmax_sync.query.api import Catalogue


def check_catalogue(given: object) -> None:
    """Check that a catalogue was given.

    Raises
    ------
    UsageError
        If not.
    """
    if not isinstance(given, Catalogue):
        raise unexpected("a catalogue first", given, hint="with Catalogue.open() as catalogue: …")


def check_source(given: object, expected: str = "a source, as connect(…) returns it") -> None:
    """Check that an open source was given.

    Raises
    ------
    UsageError
        If not.
    """
    # Anything that keeps the protocol will do.
    if not all(hasattr(given, name) for name in ("uri", "walk", "stat", "fetch")):
        raise unexpected(expected, given, hint="with connect('danmax') as source: …")
