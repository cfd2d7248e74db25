"""Amounts of bytes as people type them: ``50M``, ``1.5G``, ``200k``, ``4GiB``."""

import re

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_AMOUNT = re.compile(r"(\d+(?:\.\d*)?)\s*([kmgt]i?)?b?(?:/s)?", re.IGNORECASE)


def parse_size(text: str, *, option: str) -> int:
    """Return a number of bytes.

    Parameters
    ----------
    text : str
        A number, with a prefix of 1000 or, with an i, of 1024.
    option : str
        Named in the error.

    Raises
    ------
    UsageError
        If it is none, or nothing.
    """
    from danmax_sync.errors import UsageError

    match = _AMOUNT.fullmatch(text.strip())
    size = round(float(match[1]) * _FACTORS[(match[2] or "").lower()]) if match else 0
    if size <= 0:
        raise UsageError(f"{option} {text!r} is no amount of bytes", hint=f"for example: {option} 50M")
    return size
