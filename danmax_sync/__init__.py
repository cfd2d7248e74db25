"""danmax-sync: take a DanMAX visit home.

Find scans by energy or temperature, fetch complete sets without breaking a link, integrate them offline.
Everything the command does is a call away from Python; names are imported when first used. The names in ``__all__``,
with the attributes and methods their documentation tells of, are the public ones; other modules may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from danmax_sync.api.fetching import get as get
    from danmax_sync.api.fetching import plan as plan
    from danmax_sync.api.fetching import verify as verify
    from danmax_sync.api.pictures import export as export
    from danmax_sync.api.pictures import frames_of as frames_of
    from danmax_sync.api.pictures import integrate_scans as integrate_scans
    from danmax_sync.api.pictures import patterns_of as patterns_of
    from danmax_sync.api.pictures import plot as plot
    from danmax_sync.api.reaching import add_remote as add_remote
    from danmax_sync.api.reaching import connect as connect
    from danmax_sync.api.reaching import index as index
    from danmax_sync.catalogue.forgetting import Forgotten as Forgotten
    from danmax_sync.catalogue.logbooks import Logbook as Logbook
    from danmax_sync.catalogue.values import CataloguedScan as CataloguedScan
    from danmax_sync.catalogue.values import DetectorFile as DetectorFile
    from danmax_sync.catalogue.values import Field as Field
    from danmax_sync.catalogue.values import Link as Link
    from danmax_sync.catalogue.values import Location as Location
    from danmax_sync.catalogue.values import LogEntry as LogEntry
    from danmax_sync.catalogue.values import Mark as Mark
    from danmax_sync.catalogue.values import MarkKind as MarkKind
    from danmax_sync.catalogue.values import PatternFile as PatternFile
    from danmax_sync.catalogue.values import Problem as Problem
    from danmax_sync.catalogue.values import RecordedValue as RecordedValue
    from danmax_sync.catalogue.values import Root as Root
    from danmax_sync.errors import CatalogueError as CatalogueError
    from danmax_sync.errors import ConnectionLostError as ConnectionLostError
    from danmax_sync.errors import DanmaxSyncError as DanmaxSyncError
    from danmax_sync.errors import EmptyCatalogueError as EmptyCatalogueError
    from danmax_sync.errors import ExitCode as ExitCode
    from danmax_sync.errors import LoginError as LoginError
    from danmax_sync.errors import NothingMatchedError as NothingMatchedError
    from danmax_sync.errors import RefusalError as RefusalError
    from danmax_sync.errors import SourceError as SourceError
    from danmax_sync.errors import UnfinishedError as UnfinishedError
    from danmax_sync.errors import UnsafePathError as UnsafePathError
    from danmax_sync.errors import UsageError as UsageError
    from danmax_sync.errors import VerificationError as VerificationError
    from danmax_sync.events import Event as Event
    from danmax_sync.indexing.summary import IndexSummary as IndexSummary
    from danmax_sync.integration.api import FramePattern as FramePattern
    from danmax_sync.integration.api import integrate as integrate
    from danmax_sync.integration.engine import Rows as Rows
    from danmax_sync.integration.export import Exported as Exported
    from danmax_sync.integration.outcome import IntegrateSummary as IntegrateSummary
    from danmax_sync.integration.outcome import ScanOutcome as ScanOutcome
    from danmax_sync.integration.patterns import Patterns as Patterns
    from danmax_sync.integration.recipe import ErrorModel as ErrorModel
    from danmax_sync.integration.recipe import Recipe as Recipe
    from danmax_sync.integration.recipe import Split as Split
    from danmax_sync.integration.recipe import Unit as Unit
    from danmax_sync.query.api import Catalogue as Catalogue
    from danmax_sync.query.api import ScanList as ScanList
    from danmax_sync.scanfile.frames import Frames as Frames
    from danmax_sync.scanfile.record import LinkState as LinkState
    from danmax_sync.scanfile.record import ScanState as ScanState
    from danmax_sync.scanfile.structure import SetFault as SetFault
    from danmax_sync.sources.base import Source as Source
    from danmax_sync.sources.remotes import Remote as Remote
    from danmax_sync.sources.ssh.prompts import Prompt as Prompt
    from danmax_sync.sources.ssh.prompts import Prompter as Prompter
    from danmax_sync.transfer.outcome import GetSummary as GetSummary
    from danmax_sync.transfer.outcome import SetOutcome as SetOutcome
    from danmax_sync.transfer.outcome import SetState as SetState
    from danmax_sync.transfer.plan import Choice as Choice
    from danmax_sync.transfer.plan import FileState as FileState
    from danmax_sync.transfer.plan import PlannedFile as PlannedFile
    from danmax_sync.transfer.plan import ScanSet as ScanSet
    from danmax_sync.transfer.plan import TransferPlan as TransferPlan
    from danmax_sync.transfer.verify import VerifySummary as VerifySummary
    from danmax_sync.visits import ScanPlace as ScanPlace
    from danmax_sync.visits import TreePath as TreePath

__version__ = "0.1.0"

_ROOMS = {
    "api.fetching": ("get", "plan", "verify"),
    "api.pictures": ("export", "frames_of", "integrate_scans", "patterns_of", "plot"),
    "api.reaching": ("add_remote", "connect", "index"),
    "catalogue.forgetting": ("Forgotten",),
    "catalogue.logbooks": ("Logbook",),
    "catalogue.values": (
        *("CataloguedScan", "DetectorFile", "Field", "Link", "Location", "LogEntry"),
        *("Mark", "MarkKind", "PatternFile", "Problem", "RecordedValue", "Root"),
    ),
    "errors": (
        *("CatalogueError", "ConnectionLostError", "DanmaxSyncError", "EmptyCatalogueError"),
        *("ExitCode", "LoginError", "NothingMatchedError"),
        *("RefusalError", "SourceError", "UnfinishedError", "UnsafePathError", "UsageError", "VerificationError"),
    ),
    "events": ("Event",),
    "indexing.summary": ("IndexSummary",),
    "integration.api": ("FramePattern", "integrate"),
    "integration.engine": ("Rows",),
    "integration.export": ("Exported",),
    "integration.outcome": ("IntegrateSummary", "ScanOutcome"),
    "integration.patterns": ("Patterns",),
    "integration.recipe": ("ErrorModel", "Recipe", "Split", "Unit"),
    "query.api": ("Catalogue", "ScanList"),
    "scanfile.frames": ("Frames",),
    "scanfile.record": ("LinkState", "ScanState"),
    "scanfile.structure": ("SetFault",),
    "sources.base": ("Source",),
    "sources.remotes": ("Remote",),
    "sources.ssh.prompts": ("Prompt", "Prompter"),
    "transfer.outcome": ("GetSummary", "SetOutcome", "SetState"),
    "transfer.plan": ("Choice", "FileState", "PlannedFile", "ScanSet", "TransferPlan"),
    "transfer.verify": ("VerifySummary",),
    "visits": ("ScanPlace", "TreePath"),
}
_HOMES = {name: f"danmax_sync.{room}" for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Catalogue",
    "CatalogueError",
    "CataloguedScan",
    "Choice",
    "ConnectionLostError",
    "DanmaxSyncError",
    "DetectorFile",
    "EmptyCatalogueError",
    "ErrorModel",
    "Event",
    "ExitCode",
    "Exported",
    "Field",
    "FileState",
    "Forgotten",
    "FramePattern",
    "Frames",
    "GetSummary",
    "IndexSummary",
    "IntegrateSummary",
    "Link",
    "LinkState",
    "Location",
    "LogEntry",
    "Logbook",
    "LoginError",
    "Mark",
    "MarkKind",
    "NothingMatchedError",
    "PatternFile",
    "Patterns",
    "PlannedFile",
    "Problem",
    "Prompt",
    "Prompter",
    "Recipe",
    "RecordedValue",
    "RefusalError",
    "Remote",
    "Root",
    "Rows",
    "ScanList",
    "ScanOutcome",
    "ScanPlace",
    "ScanSet",
    "ScanState",
    "SetFault",
    "SetOutcome",
    "SetState",
    "Source",
    "SourceError",
    "Split",
    "TransferPlan",
    "TreePath",
    "UnfinishedError",
    "Unit",
    "UnsafePathError",
    "UsageError",
    "VerificationError",
    "VerifySummary",
    "__version__",
    "add_remote",
    "connect",
    "export",
    "frames_of",
    "get",
    "index",
    "integrate",
    "integrate_scans",
    "patterns_of",
    "plan",
    "plot",
    "verify",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
