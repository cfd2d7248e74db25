"""What the tests of integration share: a visit's folder with a command line, and ways to change its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from danmax_sync.testing.bench import Bench
from tests.conftest import Ran, RunLine

SHAPE = (167, 149)
"""Of the small visit's frames."""
ENERGY_KEV = 34.9988
TINY = Bench("Detector", (60, 52), 4.8e-3, (60, 52), (1, 1), mean_counts=1.0)
"""A detector so small that hundreds of frames take a second."""


@dataclass(frozen=True)
class Home:
    """A visit's folder on this disk, which a test may change before it indexes and integrates."""

    folder: Path
    run_line: RunLine

    @property
    def process(self) -> Path:
        """Where calibration is."""
        return self.folder / "process"

    @property
    def azint(self) -> Path:
        """Where patterns go."""
        return self.process / "azint"

    def master(self, number: int) -> Path:
        """Return the master of a scan."""
        return next(self.folder.glob(f"raw/*/scan-{number:04d}.h5"))

    def frames(self, number: int) -> Path:
        """Return the detector file of a scan."""
        return self.master(number).with_name(f"scan-{number:04d}_pilatus.h5")

    def output(self, number: int) -> Path:
        """Return where the patterns of a scan belong, spelled out here and not computed by the code under test."""
        sample = self.master(number).parent.name
        return self.folder / "process" / "azint" / sample / f"scan-{number:04d}_pilatus_integrated.h5"

    def index(self) -> None:
        """Bring the catalogue up to date."""
        self.run_line(["index", str(self.folder)])

    def integrate(self, *words: str, exit_code: int = 0) -> Ran:
        """Integrate with few bins, so that the small detector fills them."""
        return self.run_line(["integrate", *words, "--bins", "300"], exit_code=exit_code)

    def integrate_json(self, *words: str, exit_code: int = 0) -> Ran:
        """Integrate and tell it in events."""
        return self.integrate(*words, "--json", exit_code=exit_code)

    def files(self) -> dict[str, bytes]:
        """Return the content of all that is under ``process/azint``, hidden files too."""
        paths = self.azint.rglob("*")
        return {str(path.relative_to(self.azint)): path.read_bytes() for path in paths if path.is_file()}


def stored_frames(path: Path) -> NDArray[Any]:
    """Return all frames of a detector file."""
    with h5py.File(path, "r", locking=False) as file:
        frames: NDArray[Any] = file["entry/instrument/pilatus/data"][()]
    return frames


def store_frames(path: Path, frames: NDArray[Any]) -> None:
    """Put other frames into a detector file, uncompressed."""
    with h5py.File(path, "r+", locking=False) as file:
        group = file["entry/instrument/pilatus"]
        del group["data"]
        group["data"] = frames


def without(path: Path, *names: str) -> None:
    """Delete what a file holds under these names, where it does."""
    with h5py.File(path, "r+", locking=False) as file:
        for name in names:
            if name in file:
                del file[name]


def poisson_frame(mean: float, *, seed: int, shape: tuple[int, int] = SHAPE) -> NDArray[np.int32]:
    """Return counts with pixels marked bad, -1 and -2, all over."""
    rng = np.random.default_rng(seed)
    frame = rng.poisson(mean, shape).astype(np.int32)
    marked = rng.random(shape)
    frame[marked < 0.02] = -1
    frame[marked > 0.99] = -2
    return frame
