"""How people call several scans at once."""

import re
from collections.abc import Sequence

_MOST = 8


def named(labels: Sequence[str], most: int = _MOST) -> str:
    """Spell labels of scans: ``scan 42``, ``scans 42-44 and 50``, others as they are; no more than so many."""
    labels = list(dict.fromkeys(labels))
    parts = spans(labels)
    if parts is None:
        shown = list(labels[:most])
        return _listed([*shown, *([f"{len(labels) - most} more"] if labels[most:] else [])])
    if len(labels) == 1:
        return labels[0]
    more = len(labels) - sum(_amount(part) for part in parts[:most])
    return f"scans {_listed([*parts[:most], *([f'{more} more'] if more else [])])}"


def spans(labels: Sequence[str]) -> list[str] | None:
    """Return the numbers of scans as a query takes them, ``42-44`` and ``50``; None where one has no number."""
    if not all(re.fullmatch(r"scan \d+", label) for label in labels):
        return None
    numbers = sorted({int(label.split()[1]) for label in labels})
    starts = [each for each in numbers if each - 1 not in numbers]
    ends = [each for each in numbers if each + 1 not in numbers]
    return [str(low) if low == high else f"{low}-{high}" for low, high in zip(starts, ends, strict=True)]


def query_of_labels(labels: Sequence[str]) -> str:
    """Return a query for scans, short enough to be typed; ``QUERY`` where there is none."""
    parts = spans(labels)
    return " ".join(parts) if parts and len(parts) <= _MOST else "QUERY"


def _amount(span: str) -> int:
    low, _, high = span.partition("-")
    return int(high or low) - int(low) + 1


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
