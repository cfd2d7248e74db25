"""Group recorded names so that people find them: what the beamline is asked for most comes first."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

Item = TypeVar("Item")
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("energy and source", ("hdcm_*", "mlm_*", "IVU_*", "ring_*")),
    ("temperature", ("cryo_*", "lakeshore_*")),
    ("sample to detector distance", ("ea_ppm3_1", "lg_z", "det_z", "ea_xrf_z")),
    ("detector", ("Pilatus *", "pilatus_*")),
    ("sample", ("Spinner *", "sample_*", "pd_sam_*")),
    ("slits", ("ea_slit1_*", "ea_slit2_*")),
    ("collimator or pinhole", ("ea_mm_*",)),
    ("beamstop", ("ea_bst_*",)),
    ("hexapod", ("hex_*",)),
)
OTHERS = "others"
_FEW = 3
"""Fewer names with a common beginning than this are no family."""


def in_families(items: Sequence[Item], name_of: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    """Return items in groups with a title: the known families, then names that begin alike, then all others."""
    groups: dict[str, list[Item]] = {title: [] for title, _ in FAMILIES}
    unknown: dict[str, list[Item]] = {}
    for item in items:
        name = name_of(item)
        title = next((title for title, patterns in FAMILIES if any(fnmatchcase(name, p) for p in patterns)), None)
        if title is not None:
            groups[title].append(item)
        else:
            unknown.setdefault(name.partition("_")[0].rstrip("0123456789"), []).append(item)
    others: list[Item] = []
    for beginning, members in unknown.items():
        if len(members) < _FEW:
            others += members
        else:
            groups[f"{beginning}*"] = members
    groups[OTHERS] = others
    return [(title, members) for title, members in groups.items() if members]
