"""``danmax-sync doctor``."""

import json
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

    \b
    Examples:
      danmax-sync doctor
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.speech import line

    for topic, finding in _findings():
        if as_json:
            fields = {"topic": topic, "ready": finding.ready, "message": finding.sentence, "hint": finding.hint}
            line(json.dumps(fields, ensure_ascii=False))
            continue
        line(f"{'ready' if finding.ready else 'not ready':<9}  {topic}: {finding.sentence}")
        if finding.hint:
            hint = finding.hint.replace("\n", "\n         ")
            line(f"           → {hint}")


def _findings() -> "Iterator[tuple[str, Finding]]":
    from danmax_sync.scanfile.detector import reads_bitshuffle
    from danmax_sync.sources.globus.readiness import globus_readiness
    from danmax_sync.sources.readiness import Finding, disk_readiness, ssh_readiness

    yield "ssh", ssh_readiness()
    yield "disk", disk_readiness()
    if reads_bitshuffle():
        yield "filters", Finding(True, "HDF5 reads frames that are compressed with bitshuffle")
    else:
        yield "filters", Finding(False, "HDF5 does not read bitshuffle", "install hdf5plugin again")
    for finding in globus_readiness():
        yield "globus", finding
