"""Calibrate with pyFAI-calib2: give it the scan's frame and all that is known, and take the geometry it saves.

::

    frame ─▶ a folder of our own ─▶ pyFAI-calib2 ─▶ NAME.poni there ─checked─▶ process/ under a name that is free
"""

import contextlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.companions.programs import find_program, installing, run
from danmax_sync.errors import DanmaxSyncError, RefusalError, UnfinishedError, UsageError
from danmax_sync.integration.calibration import (
    Calibration,
    check_orientation,
    energy_of,
    found_mask,
    read_poni,
    same_energy,
)
from danmax_sync.integration.geometry import load_geometry
from danmax_sync.integration.localscan import LocalScan
from danmax_sync.quantities import count
from danmax_sync.scanfile.frames import Frames, open_frames
from danmax_sync.settings import ensured_home

_PACKAGE = "pyFAI[gui]"
_BETWEEN_PARTS = re.compile(r"[^A-Za-z0-9]+")
_MOST_AVERAGED = 20
_MOST_GEOMETRY = 1 << 20
_DETECTORS: dict[tuple[str, tuple[int, ...]], str] = {
    ("pilatus", (1679, 1475)): "pilatus_cdte_2m",
    ("pilatus", (1043, 981)): "pilatus_cdte_1m",
    ("pilatus", (619, 487)): "pilatus_cdte_300k",
    ("eiger", (2162, 2068)): "eiger2_cdte_4m",
    ("eiger", (1062, 1028)): "eiger2_cdte_1m",
}
"""The beamline's detectors see hard X-rays with CdTe; pyFAI's names for them."""
_CALIBRANTS = ("LaB6", "CeO2", "Si", "Ni", "Al", "Au", "Cr2O3", "NaCl", "ZnO", "TiO2", "AgBh", "quartz", "diamond")


@dataclass(frozen=True, slots=True)
class Preparation:
    """What pyFAI-calib2 is started with.

    Attributes
    ----------
    output : Path or None
        Where the geometry is to go, if the user said so.
    folder : Path
        Of our own, where it runs and saves.
    words : tuple of str
        Its arguments.
    frame_shape : tuple of int
        Of the frame.
    said : tuple of str
        What was found, and what has to be chosen in the window.
    """

    scan: CataloguedScan
    program: Path
    output: Path | None
    process: Path
    folder: Path
    words: tuple[str, ...]
    frame_shape: tuple[int, ...]
    said: tuple[str, ...]


def prepare(
    scan: CataloguedScan,
    *,
    frame: int | None = None,
    detector: str | None = None,
    calibrant: str | None = None,
    output: Path | None = None,
) -> Preparation:
    """Put a frame, and all that is known of it, in place.

    Parameters
    ----------
    scan : CataloguedScan
        On this disk.
    frame : int, optional
        Which; by default the mean of some, so that weak rings show.
    detector : str, optional
        Whose frames.
    calibrant : str, optional
        As pyFAI calls it; by default what the sample is called, where pyFAI knows it.
    output : Path, optional
        Where the geometry is to go; by default a name in the visit's ``process`` folder that is free.

    Raises
    ------
    SourceError
        If the frame is not on this disk, or cannot be read.
    UsageError
        If there is no such frame, `output` is there, or the program is not installed.
    """
    if output is not None and output.exists():
        raise UsageError(f"{output} is there and is kept", hint="name another: -o FILE")
    program = find_program("pyFAI-calib2", install=installing(_PACKAGE))
    local = LocalScan.find(scan)
    link, target = local.detector_file(detector)
    process = local.visit_root / "process"
    with open_frames(target.below(local.visit_root), link.inner_path) as frames:
        image, which = _image(frames, frame)
        shape = frames.shape
    folder = _own_folder(scan)
    name = f"{_in_a_name(scan)}_{which.replace(' ', '_')}.npy"
    np.save(folder / name, image)
    words: list[str] = []
    said = [f"{which} of {target}"]
    if scan.energy_kev is not None:
        words += ["--energy", f"{scan.energy_kev:.6f}"]
        said.append(f"energy {scan.energy_kev:.4f} keV")
    else:
        said.append("energy not recorded: type it in the window")
    known = _DETECTORS.get((link.detector.rstrip("0123456789"), shape))
    earlier = _earlier(process, scan.energy_kev)
    if known is not None:
        words += ["--detector", known]
        said.append(f"detector {known}")
    elif earlier is None:
        said.append(f"detector not known by its {shape[0]} × {shape[1]} pixels: choose it in the window")
    if earlier is not None:
        # A copy: the program offers this very file to save into, and does not ask before it replaces one.
        begun = folder / f"{_in_a_name(scan)}.poni"
        begun.write_bytes(earlier.read_bytes())
        words += ["--poni", str(begun)]
        said.append(f"begins with {earlier.name}")
    with contextlib.suppress(DanmaxSyncError):
        masks, _ = found_mask(process, shape, frozenset())
        if masks:
            words += ["--mask", str(masks[0].absolute())]
            said.append(f"mask {masks[0].name}")
    material = calibrant or _material_of(scan.sample) or _material_of(scan.folder)
    if material is not None:
        words += ["--calibrant", material]
        said.append(f"calibrant {material}")
    else:
        said.append("calibrant: choose it in the window, or give --calibrant")
    return Preparation(scan, program, output, process, folder, (*words, name), shape, tuple(said))


def _material_of(sample: str) -> str | None:
    """Return the calibrant that a sample's name, or one part of it, names; None where it could be several.

    Within a longer name its letters have to be as pyFAI spells them: `al` and `si` are words, too.
    """
    whole = next((each for each in _CALIBRANTS if each.lower() == sample.strip().lower()), None)
    parts = set(_BETWEEN_PARTS.split(sample))
    named = [each for each in _CALIBRANTS if each in parts]
    return whole or (named[0] if len(named) == 1 else None)


def calibrate(prepared: Preparation) -> Path:
    """Run pyFAI-calib2 and take the geometry that was saved; return where it is now.

    Raises
    ------
    RefusalError
        If the geometry is not of this scan.
    UnfinishedError
        If none was saved.
    UsageError
        If the program fails, or the geometry is not whole.
    """
    begun, before = _ponis(prepared.folder), _ponis(prepared.process)
    try:
        code = run(prepared.program, prepared.words, folder=prepared.folder)
    finally:
        _put_back(before, prepared.folder)
        (prepared.folder / prepared.words[-1]).unlink(missing_ok=True)
        for path, (content, _) in begun.items():
            with contextlib.suppress(FileNotFoundError):
                if path.read_bytes() == content:
                    path.unlink()
        # Still there if something was saved, which then is kept until it is in place.
        with contextlib.suppress(OSError):
            prepared.folder.rmdir()
    saved = _newest(_ponis(prepared.folder))
    if saved is not None:
        placed = _place(_check(saved, prepared), prepared)
        saved.unlink()
        with contextlib.suppress(OSError):
            prepared.folder.rmdir()
        return placed
    in_place = _newest([path for path in _ponis(prepared.process) if path not in before])
    if in_place is not None:
        _check(in_place, prepared)
        return in_place
    if code:
        raise UsageError(f"pyFAI-calib2 ended with {code}, and no geometry was saved", hint=installing(_PACKAGE))
    raise UnfinishedError("no geometry was saved", hint="run it again, and in its last step press “Save as PONI file”")


def _put_back(before: dict[Path, tuple[bytes, int]], folder: Path) -> None:
    """Give geometries that the program has written over their content back; the new one goes into our folder."""
    for path, (content, written_ns) in before.items():
        with contextlib.suppress(FileNotFoundError):
            now = path.read_bytes()
            if now == content:
                continue
            (folder / path.name).write_bytes(now)
            part = path.with_name(f".{path.name}.part")
            part.write_bytes(content)
            # The newest geometry of an energy is the one that integration takes.
            os.utime(part, ns=(written_ns, written_ns))
            part.replace(path)


def _image(frames: Frames, frame: int | None) -> tuple[NDArray[Any], str]:
    if len(frames.shape) != 2 or not frames.count:
        raise UsageError(f"{frames.path} holds no frames to calibrate with", hint="name another: --detector")
    if frame is not None:
        if not -frames.count <= frame < frames.count:
            raise UsageError(f"{frames.path.name} has frames 0 to {frames.count - 1}, no frame {frame}")
        return frames[frame % frames.count], f"frame {frame % frames.count}"
    chosen = np.unique(np.linspace(0, frames.count - 1, min(_MOST_AVERAGED, frames.count)).round().astype(int))
    if len(chosen) == 1:
        return frames[0], "frame 0"
    total = np.zeros(frames.shape, dtype=np.float64)
    bad = np.zeros(frames.shape, dtype=bool)
    for index in chosen.tolist():
        image = frames[index]
        # Negative, or the greatest number there is, marks a pixel as bad.
        bad |= image < 0 if image.dtype.kind != "u" else image == np.iinfo(image.dtype).max
        total += image
    mean = (total / len(chosen)).astype(np.float32)
    mean[bad] = -1
    return mean, f"mean of {count(len(chosen), 'frame')}"


def _own_folder(scan: CataloguedScan) -> Path:
    parent = ensured_home() / "calibrations"
    parent.mkdir(exist_ok=True)
    stem = f"{datetime.now().astimezone():%Y%m%dT%H%M%S}-{_in_a_name(scan)}"
    for number in range(1, 1000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise UsageError(f"{parent} is full of folders called {stem}", hint="delete what is not needed there")


def _in_a_name(scan: CataloguedScan) -> str:
    """Return what a scan is called in names of files: letters and digits whatever the sample is called."""
    sample = "".join(c if c.isascii() and (c.isalnum() or c in "+.-") else "_" for c in scan.sample).strip("._-")[:60]
    number = f"scan-{scan.number:04d}" if scan.number is not None else "scan"
    return "_".join(each for each in (sample, number) if each)


def _ponis(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Return the geometries of a folder, with what they contain and when they were written."""
    found: dict[Path, tuple[bytes, int]] = {}
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() == ".poni" and path.is_file() and path.stat().st_size <= _MOST_GEOMETRY:
                found[path] = path.read_bytes(), path.stat().st_mtime_ns
    return found


def _newest(paths: Iterable[Path]) -> Path | None:
    return max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def _earlier(process: Path, energy: float | None) -> Path | None:
    """Return the geometry to begin with: the newest of that energy, else the newest."""
    known: dict[Path, float] = {}
    for path in _ponis(process):
        with contextlib.suppress(UsageError):
            known[path] = read_poni(path)[1]
    fitting = [path for path, its in known.items() if energy is not None and same_energy(its, energy)]
    return _newest(fitting or known)


def _check(saved: Path, prepared: Preparation) -> str:
    """Return the text of a geometry that integration would take."""
    kept = f"it is kept as {saved}"
    try:
        text = saved.read_text(encoding="utf-8")
        energy = energy_of(text, saved)
    except (OSError, UnicodeDecodeError, UsageError) as problem:
        raise UsageError(
            f"what was saved is no whole geometry: {saved}", hint="calibrate again, to the end"
        ) from problem
    wanted = prepared.scan.energy_kev
    if wanted is not None and not same_energy(energy, wanted):
        raise RefusalError(
            f"the geometry is for {energy:.4f} keV, {prepared.scan.label} was taken at {wanted:.4f} keV",
            hint=f"calibrate again with the wavelength fixed; {kept}",
        )
    try:
        check_orientation(text, saved)
        load_geometry(Calibration(saved, text, energy, None, None), prepared.frame_shape)
    except RefusalError as refused:
        # Its own hint is about options of integrate.
        raise RefusalError(
            refused.message, hint=f"calibrate again, and choose the detector of these frames in its first step; {kept}"
        ) from refused
    return text


def _place(text: str, prepared: Preparation) -> Path:
    """Write a geometry under a name that is free; nothing is ever replaced."""
    energy = energy_of(text, prepared.folder)
    stem = f"{_in_a_name(prepared.scan)}_{energy:.3f}keV"
    names = (prepared.process / f"{stem}{'' if n == 1 else f'-{n}'}.poni" for n in range(1, 1000))
    for path in names if prepared.output is None else [prepared.output]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError as problem:
            raise UsageError(
                f"{path} cannot be written: {problem.strerror}", hint=f"it is kept in {prepared.folder}; -o FILE"
            ) from problem
        return path
    raise UsageError("the name is taken, and nothing is replaced", hint=f"it is kept in {prepared.folder}; -o FILE")
