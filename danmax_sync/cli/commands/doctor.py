"""``danmax-sync doctor``."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from danmax_sync.sources.readiness import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say whether this machine is ready.

    Versions, SSH and its agent, disk, settings, catalogue, HDF5's filters, the compiler, completion, Globus; and what
    to do where something is not as it should be. Nobody is asked over the network.

    It ends with 0 when all that your remotes need is ready; else with 2 for settings, 8 for the catalogue, 4 for a
    login at Globus, 3 for the rest.

    \b
    Examples:
      danmax-sync doctor
      danmax-sync doctor --json
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.folding import folded, width_of
    from danmax_sync.cli.paragraphs import rows
    from danmax_sync.cli.speech import line

    wrong: set[str] = set()
    for topic, finding in _findings():
        if not finding.ready:
            wrong.add(topic)
        if as_json:
            fields = {"topic": topic, "ready": finding.ready, "message": finding.sentence, "hint": finding.hint}
            line(json.dumps(fields, ensure_ascii=False))
            continue
        rows([("ready" if finding.ready else "not ready", f"{topic}: {finding.sentence}")], indent=0, widths=(9,))
        if finding.hint:
            hint = finding.hint.replace("\n", "\n             ")
            line(folded(f"           → {hint}", width_of(sys.stdout)))
    code = _code_of(wrong)
    if code:
        raise typer.Exit(code)


def _code_of(wrong: set[str]) -> int:
    """Return the exit code that other commands would end with; what nobody here needs is no failure."""
    from danmax_sync.errors import DanmaxSyncError, ExitCode
    from danmax_sync.sources.remotes import load_remotes

    codes = {"settings": ExitCode.USAGE, "catalogue": ExitCode.CATALOGUE, "globus": ExitCode.LOGIN}
    needed = wrong - {"agent"}
    try:
        if not any(remote.scheme == "globus" for remote in load_remotes().values()):
            needed -= {"globus"}
    except DanmaxSyncError:
        needed.add("settings")
    found = {codes.get(topic, ExitCode.UNFINISHED) for topic in needed}
    order = (ExitCode.USAGE, ExitCode.CATALOGUE, ExitCode.UNFINISHED, ExitCode.LOGIN)
    return int(next((code for code in order if code in found), ExitCode.DONE))


def _findings() -> "Iterator[tuple[str, Finding]]":
    import platform

    from danmax_sync import __version__
    from danmax_sync.integration.readiness import compiler_readiness
    from danmax_sync.scanfile.detector import reads_bitshuffle
    from danmax_sync.sources import readiness
    from danmax_sync.sources.globus.readiness import globus_readiness

    finding = readiness.Finding
    yield (
        "version",
        finding(True, f"danmax-sync {__version__}, Python {platform.python_version()}, {platform.platform()}"),
    )
    yield "libraries", readiness.library_readiness()
    yield "settings", _settings()
    yield "catalogue", _catalogue()
    yield "ssh", readiness.ssh_readiness()
    yield "agent", readiness.agent_readiness()
    for room in readiness.disk_readiness():
        yield "disk", room
    if reads_bitshuffle():
        yield "filters", finding(True, "HDF5 reads frames that are compressed with bitshuffle")
    else:
        yield "filters", finding(False, "HDF5 does not read bitshuffle", "install hdf5plugin again")
    yield "numba", compiler_readiness()
    yield "completion", _completion()
    for each in globus_readiness():
        yield "globus", each


def _settings() -> "Finding":
    from danmax_sync.cli.settled import check_settings
    from danmax_sync.errors import DanmaxSyncError
    from danmax_sync.sources.readiness import Finding, settings_readiness

    try:
        check_settings()
    except DanmaxSyncError as problem:
        return Finding(False, problem.message, problem.hint)
    return settings_readiness()


def _catalogue() -> "Finding":
    from danmax_sync.catalogue.checking import check_catalogue
    from danmax_sync.catalogue.migrate import CatalogueState, state_of
    from danmax_sync.cli.context import catalogue_engine
    from danmax_sync.errors import DanmaxSyncError
    from danmax_sync.sources.readiness import Finding

    try:
        engine = catalogue_engine()
        try:
            if state_of(engine) is CatalogueState.ABSENT:
                return Finding(True, "there is none yet; the first index makes it")
            return Finding(True, check_catalogue(engine))
        finally:
            engine.dispose()
    except DanmaxSyncError as problem:
        return Finding(False, problem.message, problem.hint)


def _completion() -> "Finding":
    from danmax_sync.cli.completion import completed_shells
    from danmax_sync.sources.readiness import Finding

    shells = completed_shells()
    if shells:
        return Finding(True, f"<TAB> completes names and values in {', '.join(shells)}")
    return Finding(True, "your shell does not complete names and values yet", "danmax-sync --install-completion")
