"""How patterns are made from frames: the choices, as one value."""

import hashlib
import json
from dataclasses import dataclass
from enum import Enum

from danmax_sync.errors import UsageError


class Unit(Enum):
    """The radial axis: scattering vector in 1/Å, or scattering angle in degrees."""

    Q = "q"
    TWO_THETA = "2th"

    @property
    def pyfai(self) -> str:
        """As pyFAI names it."""
        return "q_A^-1" if self is Unit.Q else "2th_deg"

    @property
    def nexus(self) -> tuple[str, str]:
        """``long_name`` and ``units`` in NXazint1d."""
        return ("q", "1/angstrom") if self is Unit.Q else ("2theta", "degrees")

    @property
    def label(self) -> str:
        """For the axis of a plot."""
        return "q (1/Å)" if self is Unit.Q else "2θ (°)"


class Split(Enum):
    """How a pixel's counts are shared between bins: its centre decides, its bounding box, or its true outline."""

    NONE = "none"
    BBOX = "bbox"
    FULL = "full"

    @property
    def pyfai(self) -> str:
        """As pyFAI names it."""
        return "no" if self is Split.NONE else self.value


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of an integration.

    Attributes
    ----------
    bins : int
        Over the whole radial range of the detector.
    polarization : float or None
        Degree of horizontal polarization, -1 to 1; None applies no correction.
    solid_angle : bool
        Whether intensities are divided by the solid angle a pixel sees.
    """

    bins: int = 3000
    unit: Unit = Unit.TWO_THETA
    split: Split = Split.FULL
    polarization: float | None = 0.999
    solid_angle: bool = True

    def __post_init__(self) -> None:
        if not 10 <= self.bins <= 100_000:
            raise UsageError(f"{self.bins} bins cannot be right", hint="between 10 and 100 000; usual are 2000 to 3000")
        if self.polarization is not None and not -1 <= self.polarization <= 1:
            raise UsageError(
                f"a polarization of {self.polarization} cannot be", hint="between -1 and 1; usual is 0.999"
            )

    def to_json(self) -> dict[str, object]:
        """Return the settings as they are kept in the file of patterns."""
        return {
            "bins": self.bins,
            "unit": self.unit.value,
            "split": self.split.value,
            "polarization": self.polarization,
            "solid_angle": self.solid_angle,
        }


def fingerprint(*parts: object) -> str:
    """Return a hash of everything a pattern depends on, so that it is known when nothing has changed."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
