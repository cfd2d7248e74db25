"""Measure alternatives side by side in one run: interleaved rounds, medians, ratios."""

import statistics
import time
from collections.abc import Callable, Mapping


def compare(alternatives: Mapping[str, Callable[[], object]], *, rounds: int, amount: float, unit: str) -> None:
    """Run every alternative in every round and print medians.

    Parameters
    ----------
    alternatives : mapping
        Names and what to run; the first is the one the others are compared with. What runs in a process of its own may
        return the seconds it took itself, as a float.
    rounds : int
        How often. Interleaved, so that a busy moment of the machine hits all of them.
    amount : float
        How much one run does, in `unit`.
    unit : str
        ``masters``, ``frames``…
    """
    seconds: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, run in alternatives.items():
            started = time.perf_counter()
            told = run()
            seconds[name].append(told if isinstance(told, float) else time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    reference = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name:<44} {median:9.4f} s  {amount / median:10.1f} {unit}/s  {reference / median:6.2f} ×")
