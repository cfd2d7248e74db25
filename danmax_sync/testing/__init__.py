"""Simulated visits in the true format and servers to fetch them from: for tests, the demo, and users' own tests."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from danmax_sync.testing.visit import Awkward as Awkward
    from danmax_sync.testing.visit import SimulatedScan as SimulatedScan
    from danmax_sync.testing.visit import SimulatedVisit as SimulatedVisit
    from danmax_sync.testing.visit import real_frame_visit as real_frame_visit
    from danmax_sync.testing.visit import simulate_visit as simulate_visit
    from danmax_sync.testing.visit import simulate_visits as simulate_visits

# pyFAI takes seconds to import: names come when first used.
__all__ = ["Awkward", "SimulatedScan", "SimulatedVisit", "real_frame_visit", "simulate_visit", "simulate_visits"]
_HOMES = dict.fromkeys(__all__, "danmax_sync.testing.visit")


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
