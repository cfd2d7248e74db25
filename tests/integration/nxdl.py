"""Check a file against a NeXus application definition (.nxdl.xml), every item that is not optional."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import h5py
import numpy as np

_NAMESPACE = "{http://definition.nexusformat.org/nxdl/3.1}"
_KINDS = {
    "NX_BOOLEAN": "b",
    "NX_FLOAT": "f",
    "NX_NUMBER": "iuf",
    "NX_INT": "iu",
    "NX_CHAR": "OSU",
    "NX_DATE_TIME": "OSU",
}
# The definition enumerates kinds of units where a file holds units.
_UNITS = {
    "NX_PER_LENGTH": {"1/angstrom", "1/nm", "angstrom^-1"},
    "NX_WAVENUMBER": {"1/angstrom", "1/nm"},
    "NX_ANGLE": {"degrees", "degree", "deg", "radian"},
}


def problems(definition: Path, file: h5py.File) -> list[str]:
    """Return what a file lacks or has wrong."""
    root = ET.parse(definition).getroot()  # noqa: S314 - the official file, read-only
    assert root.get("name") is not None
    checker = _Checker()
    found = list(checker.groups(root, file, ""))
    assert checker.checked > 40, "the definition was not understood"
    return found


class _Checker:
    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.checked = 0

    def groups(self, element: Element, parent: h5py.Group, path: str) -> Iterator[str]:
        for child in element.findall(f"{_NAMESPACE}group"):
            name, kind = child.get("name"), child.get("type")
            group = parent.get(name) if name else _of_class(parent, str(kind))
            where = f"{path}/{name or kind}"
            self.checked += 1
            if group is None:
                if not _optional(child):
                    yield f"{where} is missing"
                continue
            if _text(group.attrs.get("NX_class", "")) != kind:
                yield f"{where} is of class {group.attrs.get('NX_class')}"
            yield from self.attributes(child, group, where)
            yield from self.fields(child, group, where)
            yield from self.groups(child, group, where)

    def fields(self, element: Element, group: h5py.Group, path: str) -> Iterator[str]:
        for child in element.findall(f"{_NAMESPACE}field"):
            name = str(child.get("name"))
            where, field = f"{path}/{name}", group.get(name)
            self.checked += 1
            if not isinstance(field, h5py.Dataset):
                if not _optional(child):
                    yield f"{where} is missing"
                continue
            yield from self.value(child, field, where)
            yield from self.attributes(child, field, where)

    def value(self, element: Element, field: h5py.Dataset, where: str) -> Iterator[str]:
        kind = element.get("type", "NX_CHAR")
        if field.dtype.kind not in _KINDS[kind]:
            yield f"{where} is {field.dtype}, not {kind}"
        if kind == "NX_DATE_TIME" and datetime.fromisoformat(_text(field[()])).tzinfo is None:
            yield f"{where} has no zone"
        if kind == "NX_CHAR" and not _text(field[()]).strip():
            yield f"{where} is empty"
        if (unit := element.get("units")) and _text(field.attrs.get("units", "")) != unit:
            yield f"{where} is in {field.attrs.get('units')}, not {unit}"
        yield from _enumerated(element, field[()] if field.ndim == 0 else "", where)
        yield from self.shape(element, field, where)

    def shape(self, element: Element, field: h5py.Dataset, where: str) -> Iterator[str]:
        dimensions = element.find(f"{_NAMESPACE}dimensions")
        if dimensions is None:
            return
        if field.ndim != int(dimensions.get("rank", "-1")):
            yield f"{where} has {field.ndim} dimensions"
            return
        for dim in dimensions.findall(f"{_NAMESPACE}dim"):
            symbol, size = str(dim.get("value")), field.shape[int(str(dim.get("index"))) - 1]
            if self.sizes.setdefault(symbol, size) != size:
                yield f"{where}: {symbol} is {size} here and {self.sizes[symbol]} elsewhere"

    def attributes(self, element: Element, owner: Any, path: str) -> Iterator[str]:
        for child in element.findall(f"{_NAMESPACE}attribute"):
            where = f"{path}@{child.get('name')}"
            value = owner.attrs.get(child.get("name"))
            self.checked += 1
            if value is None:
                if not _optional(child):
                    yield f"{where} is missing"
                continue
            yield from _enumerated(child, value, where)


def _enumerated(element: Element, value: Any, where: str) -> Iterator[str]:
    items = [str(item.get("value")) for item in element.findall(f"{_NAMESPACE}enumeration/{_NAMESPACE}item")]
    allowed = {each for item in items for each in _UNITS.get(item, {item})}
    spelled = str([_text(each) for each in value]) if isinstance(value, np.ndarray) else _text(value)
    if items and spelled not in allowed:
        yield f"{where} is {spelled!r}, not one of {sorted(allowed)}"


def _optional(element: Element) -> bool:
    return element.get("optional") == "true" or element.get("minOccurs") == "0"


def _of_class(parent: h5py.Group, kind: str) -> h5py.Group | None:
    found = [child for child in parent.values() if _text(getattr(child, "attrs", {}).get("NX_class", "")) == kind]
    return found[0] if len(found) == 1 else None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
