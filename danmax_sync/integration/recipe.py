"""How patterns are made from frames: the choices, as one value."""

import hashlib
import json
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import TypeVar

from danmax_sync.errors import UsageError

_Choice = TypeVar("_Choice", bound=Enum)
USUAL_BINS = 3000
FINEST_BIN = 1 / 3
"""Bins of less than this part of a pixel show nothing but the splitting."""


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


class ErrorModel(Enum):
    """Where errors come from: counting statistics, the scatter of pixels around a ring, or nowhere."""

    POISSON = "poisson"
    AZIMUTHAL = "azimuthal"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of an integration.

    Attributes
    ----------
    bins : int or None
        Over `range`; None for 3000, or fewer where the detector's pixels resolve fewer. Not used with `edges`.
    unit : Unit
        Of the radial axis, of `range` and `edges`.
    range : tuple of float or None
        Both ends of the radial axis; None for all that the detector sees.
    edges : tuple of float or None
        Edges of bins, rising, instead of equal ones.
    azimuth : tuple of float or None
        From where to where pixels are used, degrees clockwise from three o'clock; from 350 to 10 goes through 0.
    sectors, cake : int
        Azimuthal bins of patterns by sector and of the cake; 0 for none. Sectors must divide the cake.
    polarization : float or None
        Degree of horizontal polarization, -1 to 1; None applies no correction.
    solid_angle : bool
        Whether intensities are divided by the solid angle a pixel sees.
    errors : ErrorModel
        Where errors come from.
    clip : float or None
        Pixels further from the mean of their ring than this many times its standard deviation are left out.
    ceiling : int or None
        Counts from here on are left out as saturated.
    monitor : str or None
        Channel that intensities are divided by.
    average : int
        Frames that become one pattern.
    frames : str
        Which of them, as Python slices a list: ``10:20``, ``::5``; empty for all.
    threshold : int
        Of detectors that count above several, which; from 0.
    """

    bins: int | None = None
    unit: Unit = Unit.TWO_THETA
    split: Split = Split.FULL
    polarization: float | None = 0.999
    solid_angle: bool = True
    range: tuple[float, float] | None = None
    edges: tuple[float, ...] | None = None
    azimuth: tuple[float, float] | None = None
    sectors: int = 0
    cake: int = 0
    errors: ErrorModel = ErrorModel.POISSON
    clip: float | None = None
    ceiling: int | None = None
    monitor: str | None = None
    average: int = 1
    frames: str = ""
    threshold: int = 0

    def __post_init__(self) -> None:
        self._understand()
        self._check_radial()
        self._check_azimuth()
        if self.polarization is not None and not -1 <= self.polarization <= 1:
            raise UsageError(
                f"a polarization of {self.polarization} cannot be", hint="between -1 and 1; usual is 0.999"
            )
        if self.clip is not None:
            if self.split is not Split.NONE:
                raise UsageError("clipping compares whole pixels, so they must not be split", hint="--split none")
            if not 1 <= self.clip <= 100:
                raise UsageError(
                    f"clipping at {self.clip} standard deviations cannot be right", hint="usual are 3 to 5"
                )
        if self.average < 1:
            raise UsageError(f"a pattern cannot be of {self.average} frames", hint="--average N with N from 1 on")
        if self.average > 1 and not self.is_linear:
            raise UsageError(
                "frames are averaged as sums of counts, which clipping and azimuthal errors do not give",
                hint="--errors poisson without --clip",
            )
        if self.ceiling is not None and self.ceiling < 1:
            raise UsageError(
                f"pixels cannot be saturated at {self.ceiling} counts", hint="--ceiling N with N from 1 on"
            )
        if self.threshold < 0:
            raise UsageError(f"there is no threshold {self.threshold}", hint="they are counted from 0")
        frame_slice(self.frames)

    def _understand(self) -> None:
        """Take text for a choice, and any kind of whole number: a notebook is no type checker.

        Raises
        ------
        UsageError
            If a value is of another kind.
        """
        for each in fields(self):
            given = getattr(self, each.name)
            try:
                value = _value(each.name, given)
            except (TypeError, ValueError) as problem:
                raise UsageError(f"{each.name}={given!r} cannot be understood: {problem}") from problem
            object.__setattr__(self, each.name, value)

    def _check_radial(self) -> None:
        if self.bins is not None and not 10 <= self.bins <= 100_000:
            raise UsageError(f"{self.bins} bins cannot be right", hint="between 10 and 100 000; usual are 2000 to 3000")
        if self.range is not None and not 0 <= self.range[0] < self.range[1] < math.inf:
            raise UsageError(f"{self.range[0]:g} to {self.range[1]:g} is no range", hint="--range LOW..HIGH, from 0 on")
        if self.edges is not None:
            rising = all(one < other for one, other in zip(self.edges, self.edges[1:], strict=False))
            if len(self.edges) < 3 or not rising or self.edges[0] < 0 or not math.isfinite(self.edges[-1]):
                raise UsageError("edges of bins must rise from 0 or more, at least three of them")

    def _check_azimuth(self) -> None:
        for name, number, most in (("sectors", self.sectors, 360), ("azimuthal bins", self.cake, 3600)):
            if number != 0 and not 2 <= number <= most:
                raise UsageError(f"{number} {name} cannot be", hint=f"from 2 to {most}")
        if self.cake and self.sectors and self.cake % self.sectors:
            raise UsageError(
                f"{self.sectors} sectors do not divide a cake of {self.cake}", hint="--cake 360 with 2, 3, 4, 6, 8…"
            )
        if self.azimuth is not None and not all(-360 <= end <= 360 for end in self.azimuth):
            raise UsageError("azimuths are degrees from -360 to 360", hint="--azimuth 350..10")
        if self.azimuth is not None and self.azimuth[0] == self.azimuth[1]:
            raise UsageError(
                f"from {self.azimuth[0]:g} to {self.azimuth[1]:g} there is no azimuth", hint="--azimuth 350..10"
            )

    @property
    def is_linear(self) -> bool:
        """Whether a pattern is a sum over pixels divided by a sum, so that one pass over a frame is enough."""
        return self.clip is None and self.errors is not ErrorModel.AZIMUTHAL

    @property
    def azimuthal_bins(self) -> int:
        """How many rows the finest layer has; 1 for a pattern all around."""
        return self.cake or self.sectors or 1

    def to_json(self) -> dict[str, object]:
        """Return the settings as they are kept in the file of patterns."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}

    def geometric(self) -> dict[str, object]:
        """Return the settings that the geometry's matrix depends on."""
        told = self.to_json()
        names = ("bins", "unit", "split", "polarization", "solid_angle", "range", "edges", "azimuth", "sectors", "cake")
        return {name: told[name] for name in names}


def frame_slice(text: str) -> slice:
    """Read a choice of frames: ``10:20``, ``::5``, ``-10:``, or one number.

    Raises
    ------
    UsageError
        If it is none.
    """
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        numbers = []
    if not text:
        return slice(None)
    one = numbers[0] if len(numbers) == 1 else None
    if one is not None:
        return slice(one, one + 1 or None)
    if len(numbers) not in {2, 3} or (len(numbers) == 3 and numbers[2] is not None and numbers[2] < 1):
        raise UsageError(f"{text!r} chooses no frames", hint="frames 10:20, ::5 (every fifth), -10: (the last ten)")
    return slice(*numbers)


def recipe_from(settings: Mapping[str, object], *, where: str) -> Recipe:
    """Return the recipe that a table of settings describes, with the names of `Recipe`.

    Raises
    ------
    UsageError
        If a name or a value is not understood; `where` says where it stands.
    """
    known = {each.name for each in fields(Recipe)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise UsageError(
            f"{where} holds {unknown[0]!r}, which no recipe knows", hint=f"known are {', '.join(sorted(known))}"
        )
    try:
        values = {name: _value(name, value) for name, value in settings.items()}
    except (TypeError, ValueError) as problem:
        raise UsageError(f"{where} cannot be understood: {problem}") from problem
    return Recipe(**values)  # type: ignore[arg-type]


_CHOICES: dict[str, type[Enum]] = {"unit": Unit, "split": Split, "errors": ErrorModel}


def _value(name: str, value: object) -> object:
    if name in _CHOICES:
        return _one_of(_CHOICES[name], name, value)
    if name in {"range", "azimuth", "edges"} and value is not None:
        numbers = tuple(float(each) for each in _sequence(name, value))
        if name != "edges" and len(numbers) != 2:
            raise ValueError(f"{name} has two ends")
        return numbers
    if name in {"bins", "sectors", "cake", "average", "threshold", "ceiling"}:
        return _whole(name, value)
    if name == "solid_angle":
        if not isinstance(value, bool):
            raise TypeError("solid_angle is true or false")
        return value
    if name in {"polarization", "clip"}:
        return None if value is None or value is False else float(str(value))
    if value is None:
        return "" if name == "frames" else None
    return str(value)


def unit_of(given: object) -> Unit:
    """Return a unit, given as itself or as its text.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        return _one_of(Unit, "unit", given)
    except ValueError as problem:
        raise UsageError(str(problem)) from None


def _one_of(kind: type[_Choice], name: str, given: object) -> _Choice:
    try:
        return kind(given)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise ValueError(f"there is no {name} {given!r}; there are {known}") from None


def _whole(name: str, value: object) -> int | None:
    if value is None and name in {"bins", "ceiling"}:
        return None
    if isinstance(value, bool):
        raise TypeError(f"{name} is a whole number")
    try:
        # Those of numpy, too.
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is a whole number") from None


def _sequence(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} is a list of numbers")
    return [str(each) for each in value]


def fingerprint(*parts: object) -> str:
    """Return a hash of everything a pattern depends on, so that it is known when nothing has changed."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
