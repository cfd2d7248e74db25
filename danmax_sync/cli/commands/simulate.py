"""``danmax-sync simulate``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Becomes the visit's folder; new or empty.")],
    scans: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many scans.")] = 12,
    frames: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="Frames in each scan.")] = 10,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same data.")] = 0,
    awkward: Annotated[
        bool, typer.Option("--awkward", help="Add what goes wrong in real visits: broken links, damaged files, …")
    ] = False,
    small: Annotated[bool, typer.Option("--small", help="A small detector instead of the Pilatus 2M: fast.")] = False,
) -> None:
    """Make a visit in the true format.

    \b
    Examples:
      danmax-sync simulate 20251234/2025110208 --scans 3 --frames 1
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.display import count, say
    from danmax_sync.cli.progress import listening
    from danmax_sync.testing.awkward import Awkward
    from danmax_sync.testing.visit import simulate_visit

    with _writing(folder), listening(as_json=False) as tell:
        visit = simulate_visit(
            folder,
            scans=scans,
            frames=frames,
            seed=seed,
            awkward=tuple(Awkward) if awkward else (),
            small=small,
            tell=tell,
        )
    say(f"{count(len(visit.scans), 'scan')} in {visit.folder / 'raw'}, calibration in {visit.folder / 'process'}")
    say(f"  → danmax-sync index {folder}")


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    from danmax_sync.errors import UsageError

    try:
        yield
    except OSError as problem:
        where = problem.filename or folder
        raise UsageError(
            f"{where} cannot be written: {problem.strerror or problem}", hint="name another folder, or make space"
        ) from problem
