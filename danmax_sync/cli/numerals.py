"""Spell recorded values as people read them."""

import math


def plain(value: float | str | None, digits: int = 7) -> str:
    """Spell a value with the digits that tell something: whole numbers bare, others to seven or so many."""
    if isinstance(value, float):
        whole = math.isfinite(value) and value == int(value) and abs(value) < 1e12
        return f"{value:.0f}" if whole else f"{value:.{digits}g}"
    return str(value)
