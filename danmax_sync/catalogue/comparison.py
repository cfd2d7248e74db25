"""What two scans differ in."""

from collections.abc import Iterator
from dataclasses import dataclass

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.overview import differ
from danmax_sync.catalogue.values import CataloguedScan, RecordedValue
from danmax_sync.quantities import meaning_of
from danmax_sync.scanfile.record import ScanState

FACTS = "scan"
Plain = float | str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact or value that two scans do not share.

    Attributes
    ----------
    origin : str
        ``scan`` for what every scan has, else ``snapshot``, ``motor`` or ``channel``.
    left, right : float, str or None
        None where it was not recorded.
    """

    name: str
    origin: str
    left: Plain
    right: Plain
    unit: str = ""

    @property
    def difference(self) -> float | None:
        """Right less left; None unless both are numbers."""
        if isinstance(self.left, float | int) and isinstance(self.right, float | int):
            return self.right - self.left
        return None

    def to_json(self) -> dict[str, object]:
        """Return what ``diff -f json`` prints for it."""
        return {
            "name": self.name,
            "origin": self.origin,
            "left": self.left,
            "right": self.right,
            "difference": self.difference,
            "unit": self.unit,
        }


def differences(
    catalogue: Catalogue, left: CataloguedScan, right: CataloguedScan, *, tolerance: float = 0.0
) -> list[Difference]:
    """Return what two scans differ in: facts first, then snapshot, motors and channels by name.

    Parameters
    ----------
    catalogue : Catalogue
        Where their values are.
    left, right : CataloguedScan
        The scans.
    tolerance : float
        Numbers that differ by less than this part of the larger one are the same: encoders tremble.
    """
    here, there = (_spread_out(catalogue.values(each.id)) for each in (left, right))
    recorded = [
        Difference(name, origin, here.get((origin, name)), there.get((origin, name)), _unit_of(name))
        for origin, name in sorted({*here, *there}, key=lambda key: (key[0] != "snapshot", key))
    ]
    return [each for each in (*_facts(left, right), *recorded) if _differs(each, tolerance)]


def _differs(pair: Difference, tolerance: float) -> bool:
    left, right = pair.left, pair.right
    if isinstance(left, str) or isinstance(right, str):
        return left != right
    return differ(left, right, tolerance)


def _facts(left: CataloguedScan, right: CataloguedScan) -> Iterator[Difference]:
    for name, attribute, unit in (
        ("proposal", "proposal", ""),
        ("visit", "visit", ""),
        ("sample", "sample", ""),
        ("title", "title", ""),
        ("macro", "macro", ""),
        ("start", "start_time", ""),
        ("energy", "energy_kev", "keV"),
        ("temperature", "temperature_k", "K"),
        ("points", "points", ""),
        ("exposure", "exposure_s", "s"),
        ("state", "state", ""),
    ):
        yield Difference(name, FACTS, _fact(left, attribute), _fact(right, attribute), unit)
    here, there = (", ".join(each.detector for each in side.links) for side in (left, right))
    yield Difference("detectors", FACTS, here, there)


def _fact(scan: CataloguedScan, attribute: str) -> Plain:
    found: Plain | ScanState = getattr(scan, attribute)
    return found.value if isinstance(found, ScanState) else found


def _spread_out(values: list[RecordedValue]) -> dict[tuple[str, str], Plain]:
    """Return scalars under their name, and of columns of points the statistics, as ``pd_sam_x min``."""
    found: dict[tuple[str, str], Plain] = {}
    for each in values:
        if each.origin == "snapshot":
            found[each.origin, each.name] = "NaN" if each.nan_count else each.value
            continue
        for statistic, number in (
            ("points", each.points),
            ("first", each.first),
            ("min", each.value),
            ("max", each.maximum),
            ("mean", each.mean),
            ("NaN", each.nan_count),
        ):
            found[each.origin, f"{each.name} {statistic}"] = number
    return found


def _unit_of(name: str) -> str:
    bare, _, statistic = name.rpartition(" ")
    if statistic in {"points", "NaN"}:
        return ""
    meaning = meaning_of(bare if statistic in {"first", "min", "max", "mean"} else name)
    return meaning.dimension.value if meaning else ""
