"""``get`` with ``--follow`` and ``--integrate``: fetch, and integrate what has come."""

import contextlib
import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.events import Event, Listener

if TYPE_CHECKING:
    from danmax_sync.catalogue.catalogue import Catalogue
    from danmax_sync.catalogue.values import CataloguedScan
    from danmax_sync.errors import ExitCode
    from danmax_sync.integration.following import Companion
    from danmax_sync.integration.outcome import IntegrateSummary
    from danmax_sync.integration.run import Choices
    from danmax_sync.sources.base import Source
    from danmax_sync.sources.remotes import Remote
    from danmax_sync.transfer.outcome import GetSummary
    from danmax_sync.transfer.plan import Choice

    Scans = Callable[[Catalogue], list[CataloguedScan]]


@dataclass(frozen=True, slots=True)
class Integration:
    """How to integrate what comes, the picture to keep, and what makes ``integrate`` do the same."""

    choices: "Choices"
    picture: Path | None
    options: str = ""


def integration_of(recipe: Path | None, picture: Path | None) -> Integration:
    """Put together how to integrate; what is wrong with it shows before anything travels.

    Raises
    ------
    UsageError
        If the recipe cannot be understood, or the picture not be drawn.
    """
    from danmax_sync.integration.chosen import choices_of, usual_recipe

    if picture is not None:
        from danmax_sync.integration.picturefile import check_picture

        picture = picture.expanduser().absolute()
        check_picture(picture)
    choices = choices_of({}, recipe=recipe or usual_recipe())
    # What settings.toml names is what integrate takes, too.
    options = shlex.join(["--recipe", str(recipe)]) if recipe else ""
    return Integration(choices, picture, options)


@contextlib.contextmanager
def integrating(
    catalogue: "Catalogue", scans: "Scans", folder: Path, how: Integration | None, *, as_json: bool
) -> "Iterator[tuple[Listener, Companion | None]]":
    """Show progress; with `how`, integrate beside it. Gives who hears of the fetching, and who integrates."""
    from danmax_sync.cli.progress import listening

    if how is None:
        with listening(as_json=as_json) as tell:
            yield tell, None
        return
    from danmax_sync.cli.live import live_sketch
    from danmax_sync.integration.following import Companion

    sketch = live_sketch(as_json=as_json)
    with listening(as_json=as_json, picture=sketch) as told:
        lock = threading.Lock()

        def tell(event: Event) -> None:
            # Two threads tell, and lines must not run into each other.
            with lock:
                told(event)

        with Companion(
            catalogue,
            scans,
            folder,
            how.choices,
            tell=tell,
            look=sketch,
            picture=how.picture,
            options=how.options,
        ) as companion:

            def both(event: Event) -> None:
                tell(event)
                companion.heard(event)

            yield both, companion


def follow_visit(
    catalogue: "Catalogue",
    remote: "Remote",
    target: Path,
    text: str,
    choice: "Choice",
    *,
    how: Integration | None,
    every_s: float,
    bytes_per_s: float | None,
    calibration: bool,
    as_json: bool,
) -> None:
    """Keep fetching until Ctrl-C."""
    from danmax_sync.cli.context import prompter
    from danmax_sync.cli.progress import without_bar
    from danmax_sync.cli.reasons import SaidOnce
    from danmax_sync.query.search import search
    from danmax_sync.sources.destinations import remembering
    from danmax_sync.sources.opening import open_source
    from danmax_sync.transfer.following import Follower

    def scans(known: "Catalogue") -> "list[CataloguedScan]":
        return search(known, text)

    follower: Follower | None = None
    companion: Companion | None = None
    try:
        with integrating(catalogue, scans, target, how, as_json=as_json) as (heard, companion):
            # A program reads it from the events of the sets.
            said = None if as_json else SaidOnce(heard)

            def opened() -> "Source":
                # A login asks its questions, at first and when the line broke.
                with without_bar():
                    return open_source(remote, prompter())

            def looked() -> None:
                if said is not None:
                    said.say()
                if companion is not None:
                    companion.settled()

            follower = Follower(
                catalogue,
                opened,
                scans,
                target,
                choice=choice,
                with_calibration=calibration,
                every_s=every_s,
                tell=remembering(remote, target, said or heard),
                bytes_per_s=bytes_per_s,
                looked=looked,
            )
            follower.run()
    finally:
        # Ctrl-C is the way to end it, and no reason to lose the sum.
        if follower is not None:
            patterns = companion.summary if companion else None
            show_both(follower.summary, patterns, target, as_json=as_json)


def show_both(
    fetched: "GetSummary", integrated: "IntegrateSummary | None", target: Path, *, as_json: bool
) -> "ExitCode":
    """Print what became of the sets and of their patterns; return the exit code of both."""
    from danmax_sync.catalogue.labels import named
    from danmax_sync.cli.progress import emit
    from danmax_sync.cli.speech import count, say
    from danmax_sync.cli.transfers import show_summary
    from danmax_sync.errors import ExitCode

    if integrated is None:
        show_summary(fetched, target, as_json=as_json)
        return fetched.exit_code
    if as_json:
        emit(Event("summary", {**fetched.to_json(), "integrated": integrated.to_json()}))
    else:
        show_summary(fetched, target, as_json=False)
        failed = [one for one in integrated.outcomes if one.message]
        done = len(integrated.outcomes) - len(failed)
        sums = integrated.to_json()
        frames = sum(one.frames for one in integrated.outcomes)
        but = f"; not {named([one.label for one in failed])}" if failed else ""
        say(
            f"patterns: {count(done, 'scan')} integrated ({count(frames, 'frame')}, {sums['skipped_frames']} done "
            f"before){but} → {target / 'process' / 'azint'}"
        )
    return fetched.exit_code if fetched.exit_code is not ExitCode.DONE else integrated.exit_code
