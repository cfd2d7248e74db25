"""The public names of ``danmax_sync``, from their signatures and docstrings."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from typing import Any

import danmax_sync
from reference.docstrings import rendered
from reference.text import code, table

PARTS = {
    "Catalogue and search": ("Catalogue", "ScanList", "CataloguedScan", "MarkKind", "TreePath"),
    "What the catalogue knows of a scan": (
        *("ScanState", "Link", "LinkState", "Location", "Root", "Mark", "RecordedValue", "DetectorFile", "PatternFile"),
        *("LogEntry", "Logbook", "Field", "Forgotten", "Problem"),
    ),
    "Places": ("add_remote", "connect", "index", "Remote", "Source", "Prompter", "Prompt", "IndexSummary"),
    "Fetch and check": (
        *("plan", "get", "verify", "Choice", "TransferPlan", "GetSummary", "SetOutcome", "SetState", "VerifySummary"),
        *("ScanSet", "ScanPlace", "PlannedFile", "FileState", "SetFault", "Event"),
    ),
    "Integrate": (
        *("integrate", "integrate_scans", "Recipe", "Unit", "Split", "ErrorModel", "FramePattern", "Rows"),
        *("IntegrateSummary", "ScanOutcome"),
    ),
    "Frames, patterns, pictures": ("frames_of", "patterns_of", "plot", "export", "Frames", "Patterns", "Exported"),
    "Errors": (
        *(
            "DanmaxSyncError",
            "NothingMatchedError",
            "UsageError",
            "UnsafePathError",
            "UnfinishedError",
            "LoginError",
            "SourceError",
        ),
        *(
            "ConnectionLostError",
            "VerificationError",
            "RefusalError",
            "CatalogueError",
            "EmptyCatalogueError",
            "ExitCode",
        ),
    ),
}
"""The parts of the page."""
INNER = {
    "Catalogue": ("compact", "count_at", "count_lost_marks", "file_sizes", "in_the_same_masters", "problems_at"),
    "Source": ("fetch", "files_in", "stat", "walk"),
    "Frames": ("chunk", "whereabouts"),
    "CataloguedScan": ("place",),
    "Remote": ("address",),
    "TreePath": ("nonempty", "windows_problem"),
}
"""What the rooms of the package need of each other; it may change."""


def render_python() -> str:
    """Return the page."""
    lines = []
    for title, names in PARTS.items():
        lines.append(f"## {title}\n")
        for name in names:
            lines += [f"### {name}\n", _described(name, getattr(danmax_sync, name))]
    return "\n".join(lines)


def _described(name: str, it: Any) -> str:
    doc = rendered(inspect.getdoc(it) or "")
    if not inspect.isclass(it):
        return f"{_signature(name, it)}\n{doc}"
    if issubclass(it, Enum):
        rows = [(code(f"{name}.{each.name}"), code(str(each.value))) for each in it]
        return f"{doc}\n{table(('value', 'is'), rows)}"
    parts = [doc]
    if dataclasses.is_dataclass(it):
        rows = [(code(each.name), code(_type(each.type))) for each in dataclasses.fields(it) if _is_public(each.name)]
        parts.append(table(("field", "type"), rows))
    elif issubclass(it, tuple):
        rows = [(code(field), code(_type(it.__annotations__[field]))) for field in getattr(it, "_fields", ())]
        parts.append(table(("field", "type"), rows))
    for method, function, kind in _methods(it):
        if method in INNER.get(name, ()):
            continue
        title = f"{name}.{method}"
        shown = f"```python\n{title}\n```\n" if kind == "property" else _signature(title, function)
        parts += [f"#### {title}\n", shown, rendered(inspect.getdoc(function) or "")]
    return "\n".join(parts)


def _is_public(name: str) -> bool:
    return not name.startswith("_")


def _methods(it: type) -> Iterator[tuple[str, Any, str]]:
    """Yield the documented methods and properties that it has from this package."""
    seen = set()
    for base in it.__mro__:
        if not base.__module__.startswith("danmax_sync"):
            continue
        for name, member in vars(base).items():
            if not _is_public(name) or name in seen or _takes_sql(member):
                continue
            if isinstance(member, property | cached_property):
                seen.add(name)
                yield name, member, "property"
            elif inspect.isfunction(member) or isinstance(member, classmethod | staticmethod):
                seen.add(name)
                yield name, getattr(it, name), "method"


def _takes_sql(member: object) -> bool:
    """Say whether a method speaks SQL, or writes behind the scenes: those are for the rooms of the package."""
    annotations = getattr(member, "__annotations__", {})
    return any("ColumnElement" in str(each) or "Writer" in str(each) for each in annotations.values())


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    kept = [each for each in signature.parameters.values() if each.name not in {"self", "cls"}]
    shown, star = [], False
    for each in kept:
        if each.kind is each.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        annotation = "" if each.annotation is each.empty else f": {_type(each.annotation)}"
        default = "" if each.default is each.empty else f" = {_default(each.default)}"
        shown.append(f"{each.name}{annotation}{default}")
    gives = "" if signature.return_annotation is signature.empty else f" -> {_type(signature.return_annotation)}"
    one = f"{name}({', '.join(shown)}){gives}"
    if len(one) > 90:
        one = f"{name}(\n" + "".join(f"    {each},\n" for each in shown) + f"){gives}"
    return f"```python\n{one}\n```\n"


def _default(value: object) -> str:
    return getattr(value, "__name__", None) or (
        f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
    )


def _type(annotation: object) -> str:
    """Return a type as one writes it, without the modules it comes from."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text.replace("NoneType", "None")).replace("'", "").replace('"', "")
