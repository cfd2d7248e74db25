"""danmax-sync: take a DanMAX visit home.

Find scans by energy or temperature, fetch complete sets without breaking a link, integrate them offline.
Everything the command does is a call away from Python; names are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from danmax_sync.errors import DanmaxSyncError as DanmaxSyncError
    from danmax_sync.integration.api import integrate as integrate
    from danmax_sync.integration.recipe import Recipe as Recipe
    from danmax_sync.query.api import Catalogue as Catalogue
    from danmax_sync.query.api import ScanList as ScanList
    from danmax_sync.visits import TreePath as TreePath

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "danmax_sync.query.api",
    "ScanList": "danmax_sync.query.api",
    "Recipe": "danmax_sync.integration.recipe",
    "integrate": "danmax_sync.integration.api",
    "DanmaxSyncError": "danmax_sync.errors",
    "TreePath": "danmax_sync.visits",
}
__all__ = ["Catalogue", "DanmaxSyncError", "Recipe", "ScanList", "TreePath", "__version__", "integrate"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
