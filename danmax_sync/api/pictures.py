"""Frames, patterns and figures of scans that are on this disk."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.catalogue.given import one_scan, path_of, scans_of
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore
from danmax_sync.integration.agreeing import patterns_of as labelled_patterns
from danmax_sync.integration.choices import GivenPath, named_from, recipe_of
from danmax_sync.integration.export import Exported, TextFormat, export_patterns
from danmax_sync.integration.figure import draw_figure
from danmax_sync.integration.localscan import LocalScan, on_this_disk
from danmax_sync.integration.outcome import IntegrateSummary
from danmax_sync.integration.patterns import Patterns
from danmax_sync.integration.picturefile import check_picture, write_figure
from danmax_sync.integration.recipe import Recipe, Unit, unit_of
from danmax_sync.integration.run import Choices
from danmax_sync.integration.run import integrate_scans as integrate_into_files
from danmax_sync.scanfile.frames import Frames, open_frames

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def frames_of(scan: CataloguedScan, detector: str | None = None) -> Iterator[Frames]:
    """Open the frames of a scan: ``with frames_of(scan) as frames: frames[0]``.

    Parameters
    ----------
    scan : CataloguedScan
        From `Catalogue.search`, on this disk.
    detector : str, optional
        By default the area detector.

    Yields
    ------
    Frames
        ``frames[n]`` is an array as the detector wrote it, (rows, columns); negative numbers mark gaps and bad pixels.
        ``frames.count`` says how many there are.

    Raises
    ------
    SourceError
        If the scan or its detector file is not here, or cannot be read.
    """
    local = LocalScan.find(one_scan(scan))
    link, target = local.detector_file(detector)
    with open_frames(target.below(local.visit_root), link.inner_path) as frames:
        yield frames


def integrate_scans(
    scans: CataloguedScan | Iterable[CataloguedScan],
    recipe: Recipe | None = None,
    *,
    poni: GivenPath | None = None,
    masks: GivenPath | Iterable[GivenPath] = (),
    dark: GivenPath | None = None,
    flat: GivenPath | None = None,
    allow: str | Iterable[str] = (),
    detector: str | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Listener = ignore,
) -> IntegrateSummary:
    """Integrate scans and write their patterns under ``process/azint/``; call it again to go on.

    Parameters
    ----------
    scans : CataloguedScan or iterable of them
        Those that are not on this disk are left out, with a ``warning``.
    recipe : Recipe, optional
        The settings.
    poni, masks : str or Path, or several masks, optional
        Calibration instead of what is found in the visit's ``process`` folder.
    dark, flat : str or Path, optional
        Images that are subtracted and divided by.
    allow : str or several
        What is not to be refused, by name.
    detector : str, optional
        Whose frames.
    overwrite : bool
        Whether patterns that this tool made with other settings are replaced.
    threads : int, optional
        By default as many as there are processors.
    progress : callable, optional
        Called with each `Event`: ``progress``, ``scan`` and ``warning``.

    Returns
    -------
    IntegrateSummary
        An outcome for every scan: one that fails, or is refused, does not stop the others and raises nothing.

    Raises
    ------
    NothingMatchedError
        If no scans were given.
    SourceError
        If none of the scans is on this disk.
    UsageError
        If what was given is not what is expected.
    """
    choices = Choices(
        recipe_of(recipe),
        named_from(poni, masks, dark, flat, allow),
        detector=detector,
        overwrite=overwrite,
        threads=threads,
    )
    return integrate_into_files(on_this_disk(scans_of(scans), tell=progress), choices, tell=progress)


def patterns_of(scan: CataloguedScan) -> Patterns:
    """Read the patterns of a scan that has been integrated, by this tool or by the beamline.

    Raises
    ------
    SourceError
        If it has not been, or is not on this disk.
    """
    ((_, patterns),) = labelled_patterns([one_scan(scan)])
    return patterns


def plot(
    scans: CataloguedScan | Iterable[CataloguedScan],
    file: str | Path | None = None,
    *,
    kind: str = "waterfall",
    against: str = "temperature",
) -> "Figure":
    """Draw the patterns of scans that have been integrated; the others are left out.

    Parameters
    ----------
    scans : CataloguedScan or iterable of them
        One: its frames. Several: the mean of each.
    file : str or Path, optional
        Where the picture is kept: PNG, SVG or PDF, in a folder that is there. An earlier picture is replaced,
        nothing else.
    kind : str
        ``waterfall``, ``overlay``, ``heatmap`` or ``cake``.
    against : str
        Of a heat map: ``temperature``, ``time``, ``frame``, or a motor.

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it.

    Raises
    ------
    NothingMatchedError
        If no scans were given.
    SourceError
        If none of the scans has been integrated.
    RefusalError
        If the patterns cannot stand in one figure.
    UsageError
        If the file cannot be written, or something else is there.
    """
    path = None if file is None else path_of(file, "the path of a picture")
    if path is not None:
        check_picture(path)
        if not path.absolute().parent.is_dir():
            raise UsageError(f"{path} cannot be written: its folder is missing", hint=f"make it first: {path.parent}")
    figure, _ = draw_figure(labelled_patterns(scans_of(scans)), kind=kind, against=against)
    if path is not None:
        write_figure(figure, path)
    return figure


def export(
    scans: CataloguedScan | Iterable[CataloguedScan],
    folder: str | Path,
    form: str = "xye",
    *,
    average: bool = False,
    unit: str | Unit | None = None,
    header: bool = True,
    overwrite: bool = False,
) -> Exported:
    """Write patterns as text for refinement programs, without the bins that no pixel saw.

    Parameters
    ----------
    scans : CataloguedScan or iterable of them
        That have been integrated; the others are left out.
    folder : str or Path
        Made if needed; a folder a sample in it.
    form : str
        ``xye``, ``xy``, ``fxye`` or ``chi``.
    average : bool
        One file a scan instead of one a frame.
    unit : Unit or str, optional
        ``2th`` or ``q``, where it is to be another than that of the patterns.
    header : bool
        Whether lines that begin with ``#`` tell energy, temperature and scan.
    overwrite : bool
        Whether files with other content are replaced.

    Raises
    ------
    NothingMatchedError
        If no scans were given.
    SourceError
        If none of the scans has been integrated.
    UsageError
        If a file is there with other content, or cannot be written; or there is no such format.
    RefusalError
        If the format needs errors and there are none, or the energy is needed and not known.
    """
    forms = {each.value: each for each in TextFormat}
    if form not in forms:
        raise UsageError(f"there is no format {form!r}", hint=f"there are {', '.join(forms)}")
    chosen = None if unit is None else unit_of(unit).value
    labelled = labelled_patterns(scans_of(scans))
    return export_patterns(
        labelled,
        path_of(folder, "the path of a folder"),
        forms[form],
        average=average,
        unit=chosen,
        header=header,
        overwrite=overwrite,
    )
