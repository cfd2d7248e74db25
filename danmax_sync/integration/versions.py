"""Versions of packages, looked up once: each look takes a millisecond, as long as a frame."""

from functools import lru_cache
from importlib import metadata


@lru_cache(maxsize=16)
def version(package: str) -> str:
    """Return the version of an installed package."""
    return metadata.version(package)
