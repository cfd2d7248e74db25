"""Plan what is to be fetched, fetch it, and check what is here."""

from collections.abc import Iterable
from pathlib import Path

from danmax_sync.api.checking import check_catalogue, check_source
from danmax_sync.catalogue.given import none_given, path_of, scans_of, unexpected
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import UsageError
from danmax_sync.events import Listener, ignore
from danmax_sync.query.api import Catalogue
from danmax_sync.sources.base import Source
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.remotes import remote_at
from danmax_sync.sources.ssh.prompts import Prompter, TerminalPrompter
from danmax_sync.transfer.expected import hashes_at_source, originals_of
from danmax_sync.transfer.fetching import fetch_scans, plan_scans
from danmax_sync.transfer.journal import Journal
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import Choice, TransferPlan
from danmax_sync.transfer.records import Records
from danmax_sync.transfer.verify import VerifySummary, sets_in, sets_of, verify_sets


def plan(
    catalogue: Catalogue,
    scans: CataloguedScan | Iterable[CataloguedScan],
    source: Source,
    to: str | Path,
    *,
    choice: Choice | None = None,
    calibration: bool = True,
) -> TransferPlan:
    """Say what would travel to bring complete sets here; nothing moves.

    Parameters
    ----------
    catalogue : Catalogue
        That the scans are from.
    scans : CataloguedScan or iterable of them
        From `Catalogue.search`; those the source does not hold are passed over.
    source : Source
        Open, from `connect`; it is asked for the present size and time of every file.
    to : str or Path
        The folder of this machine below which the source's tree is kept; made when something is fetched.
    choice : Choice, optional
        Which detectors, how large, and whether sets that lack files come without them.
    calibration : bool
        Whether ``process/*.poni`` and masks come along.

    Raises
    ------
    NothingMatchedError
        If no scans were given, or the source holds none of them.
    UsageError
        If `to` is no folder of this machine: from one Globus collection to another the command line sends sets.
    """
    if isinstance(to, str) and "://" in to:
        hint = "give a folder of this machine"
        if to.strip().startswith("globus://"):
            hint = f"a folder; or straight to that collection: danmax-sync get QUERY --from NAME --to {to.strip()}"
        raise UsageError(f"{to} is no folder of this machine", hint=hint)
    check_catalogue(catalogue)
    check_source(source)
    wanted, target = scans_of(scans), path_of(to, "the path of a folder").absolute()
    if not wanted:
        raise none_given()
    return plan_scans(catalogue, source, wanted, target, choice=choice, with_calibration=calibration)


def get(
    catalogue: Catalogue,
    wanted: TransferPlan,
    source: Source,
    *,
    progress: Listener = ignore,
    bytes_per_s: float | None = None,
) -> GetSummary:
    """Fetch the sets of a plan; call it again to go on where it stopped.

    A set appears as a whole and verified, its master last. Nothing that is here is overwritten. However it ends, what
    arrived is in the catalogue.

    Parameters
    ----------
    catalogue : Catalogue
        That the plan was made with.
    wanted : TransferPlan
        From `plan`, a moment ago.
    source : Source
        Open, the one that was planned with.
    progress : callable, optional
        Called with each `Event`: ``progress`` with ``done`` and ``total`` in bytes, ``file``, ``set`` and ``warning``.
        It is called from the thread that called `get`; what it raises ends the work, and what is complete is kept.
    bytes_per_s : float, optional
        The highest rate.

    Returns
    -------
    GetSummary
        An outcome for every set: a set that fails does not stop the others and raises nothing.

    Raises
    ------
    UnfinishedError
        If the disk cannot hold the plan, or another ``get`` works in the same folder.
    """
    check_catalogue(catalogue)
    check_source(source)
    if not isinstance(wanted, TransferPlan):
        raise unexpected("a plan", wanted, hint="plan(catalogue, scans, source, to) makes one")
    return fetch_scans(catalogue, source, wanted, tell=progress, bytes_per_s=bytes_per_s)


def verify(
    catalogue: Catalogue,
    what: str | Path | CataloguedScan | Iterable[CataloguedScan],
    *,
    deep: bool = False,
    hashes: bool = False,
    prompter: Prompter | None = None,
    progress: Listener = ignore,
) -> VerifySummary:
    """Check that sets on this disk are whole.

    Each link of a master must open its own sibling, nothing may be cut short, and what was indexed at its source must
    have the size it had there.

    Parameters
    ----------
    catalogue : Catalogue
        Knows the sizes at the sources.
    what : str or Path, or CataloguedScan or iterable of them
        The path of a folder, or scans.
    deep : bool
        Also read all back from the disk, compare it with what came over the line, and decompress every frame.
    hashes : bool
        Also compare each file's SHA-256 with what its source computes, over SFTP, where the account there has a shell.
        This logs in; files whose source is not known are not compared, and their sets not counted at that level.
    prompter : Prompter, optional
        Who answers that login, as in `connect`.
    progress : callable, optional
        Called with each `Event`: ``progress``, ``set`` and ``warning``.

    Returns
    -------
    VerifySummary
        Its ``faults`` say what is wrong with which file; a fault raises nothing. Its ``levels`` say how many sets
        reached ``structure``, ``hash`` or ``deep``.

    Raises
    ------
    NothingMatchedError
        If no scans were given, none of them is here, or the folder holds no master.
    SourceError
        If `hashes` are asked of a source that computes none.
    LoginError
        If that source does not let us in.
    UsageError
        If its remote has been removed, or the folder is missing.
    """
    check_catalogue(catalogue)
    if isinstance(what, str | Path):
        sets, originals = sets_in(path_of(what).absolute(), tell=progress), originals_of(catalogue, catalogue.scans())
    else:
        scans = scans_of(what)
        if not scans:
            raise none_given()
        sets, originals = sets_of(scans), originals_of(catalogue, scans)
    digests: dict[Path, str] = {}
    if hashes:
        who = prompter or TerminalPrompter()
        masters = [each.place.path.below(each.visit_root) for each in sets]
        digests = hashes_at_source(originals, masters, lambda uri: open_source(remote_at(uri), who))
    with Journal.open(tell=progress) as journal:
        records = Records(journal)
        return verify_sets(sets, originals=originals, hashes=digests, records=records, deep=deep, tell=progress)
