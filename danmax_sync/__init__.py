"""danmax-sync: take a DanMAX visit home.

Find scans by energy or temperature, fetch complete sets without breaking a link, integrate them offline.
Everything the command does is a call away from Python; names are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from danmax_sync.errors import DanmaxSyncError as DanmaxSyncError
    from danmax_sync.query.api import Catalogue as Catalogue
    from danmax_sync.query.api import ScanList as ScanList
    from danmax_sync.visits import TreePath as TreePath

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "danmax_sync.query.api",
    "ScanList": "danmax_sync.query.api",
    "DanmaxSyncError": "danmax_sync.errors",
    "TreePath": "danmax_sync.visits",
}
__all__ = ["Catalogue", "DanmaxSyncError", "ScanList", "TreePath", "__version__"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
