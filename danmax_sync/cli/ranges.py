"""Ranges on the command line: ``LOW..HIGH``."""


def ends(text: str | None, option: str) -> list[float] | None:
    """Return both ends of a range.

    Raises
    ------
    UsageError
        If it is none.
    """
    if text is None:
        return None
    low, dots, high = text.partition("..")
    try:
        if dots:
            return [float(low), float(high)]
    except ValueError:
        pass
    from danmax_sync.errors import UsageError

    raise UsageError(f"{option} {text} is no range", hint=f"{option} 2..30")
