"""A master that differs from earlier ones in its data alone reads as by the library, or is left to the library."""

import io
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.quantities import DEFAULT_PREFERENCES
from danmax_sync.scanfile import layouts as layouts_module
from danmax_sync.scanfile import watched
from danmax_sync.scanfile.layouts import Layouts
from danmax_sync.scanfile.master import read_content
from danmax_sync.scanfile.record import ScanRecord
from danmax_sync.visits import ScanPlace, TreePath, place

WHERE = place(TreePath.parse("raw/LaB6/scan-0042.h5"))


def master(
    seed: int = 0, *, title: str = "ascan a 0 1 9", link: str | None = None, chunked: bool = False, values: int = 30
) -> bytes:
    """Write a master whose numbers follow from a seed."""
    rng, content = np.random.default_rng(seed), io.BytesIO()
    with h5py.File(content, "w") as file:
        entry = file.create_group("entry")
        entry["title"], entry["start_time"] = title, f"2025-11-02T08:00:{seed % 60:02d}+01:00"
        instrument = entry.create_group("instrument")
        snapshot = instrument.create_group("start_positioners")
        for n in range(values):
            snapshot[f"motor_{n}"] = float(rng.normal()) if n % 7 else float("nan")
        snapshot["count"], snapshot["state"] = int(rng.integers(9)), f"open {seed % 10}"
        snapshot.create_group("no value")
        for n in range(10):
            options = {"chunks": (5,)} if chunked else {}
            instrument.create_group(f"channel_{n}").create_dataset("data", data=rng.normal(size=10), **options)
        instrument.create_group("pd_x")["value"] = np.linspace(0, seed, 10)
        if link:
            instrument["pilatus"] = h5py.ExternalLink(link, "/entry/instrument/pilatus")
    return content.getvalue()


def by_library(content: bytes, where: ScanPlace = WHERE) -> ScanRecord:
    """Read through the library alone."""
    (record,) = read_content(content, "x", where, twins=False)
    return record


def learnt(*contents: bytes) -> Layouts:
    """Return what is known after some files."""
    layouts = Layouts()
    for content in contents:
        layouts.learn(content, WHERE, DEFAULT_PREFERENCES, [by_library(content)])
    return layouts


def read(layouts: Layouts, content: bytes, where: ScanPlace = WHERE) -> ScanRecord | None:
    """Read with known layouts."""
    return layouts.read(content, "x", where, DEFAULT_PREFERENCES)


def test_the_third_of_a_series_is_read_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are read by the library; from then on only bytes are compared, NaN and texts included."""
    layouts = learnt(master(1), master(2))
    expected = by_library(master(3))
    monkeypatch.setattr(layouts_module, "open_content", None)
    assert repr(read(layouts, master(3))) == repr(expected)
    assert read(learnt(master(1)), master(3)) is None


def test_each_master_keeps_its_own_links() -> None:
    """Their names stand in the file's structure: where they differ, they are read by the library."""
    series = [master(n, link=f"scan-{n:04d}_pilatus.h5") for n in range(4)]
    layouts = learnt(*series[:2])
    for content in series:
        found = read(layouts, content)
        assert repr(found) == repr(by_library(content))
    assert found is not None
    assert str(found.links[0].target) == "raw/LaB6/scan-0003_pilatus.h5"


def test_a_damaged_link_is_left_to_the_library() -> None:
    """A bit flipped in the block of links breaks its checksum."""
    series = [master(n, link=f"scan-{n:04d}_pilatus.h5") for n in range(3)]
    layouts = learnt(*series[:2])
    broken = series[2].replace(b"scan-0002_pilatus", b"scan-0003_pilatus")
    assert broken != series[2]
    assert read(layouts, broken) is None


@pytest.mark.parametrize(
    "other",
    [
        master(3, title="ascan a 0 1 9 and much more of it, so that it needs another heap" * 80),
        master(3, values=31),
        master(3, link="scan-0042_pilatus.h5"),
        master(3, chunked=True),
        master(3)[:-8],
        master(3).replace(b"motor_9", b"rotor_9"),
    ],
)
def test_another_layout_is_left_to_the_library(other: bytes) -> None:
    """Other names, types, links, storage or size."""
    assert read(learnt(master(1), master(2)), other) is None


def test_masters_whose_data_are_stored_otherwise_are_not_learnt() -> None:
    """Chunks are found by the library alone."""
    assert watched.layout_of(master(chunked=True), named=True) is None
    assert read(learnt(master(1, chunked=True), master(2, chunked=True)), master(3, chunked=True)) is None


def test_data_that_lie_over_a_header_are_not_learnt() -> None:
    """Only damage does that: what looks like a number there is structure."""
    content = master(1)
    with h5py.File(io.BytesIO(content)) as file:
        one, other = (file[f"entry/instrument/start_positioners/motor_{n}"].id for n in (1, 2))
        data, header = one.get_offset(), h5py.h5o.get_info(other).addr
    broken = content.replace(data.to_bytes(8, "little"), int(header).to_bytes(8, "little"))
    assert broken != content
    assert watched.layout_of(content, named=True) is not None
    assert watched.layout_of(broken, named=True) is None


def test_it_gives_up_learning_where_no_two_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning costs as much as reading does."""
    calls: list[int] = []

    def refused(content: bytes, *, named: bool) -> None:
        calls.append(len(content))

    monkeypatch.setattr(watched, "layout_of", refused)
    learnt(*[master(n) for n in range(12)])
    assert len(calls) == 4


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layouts used least recently go."""
    monkeypatch.setattr(layouts_module, "_MOST_BYTES", 40_000)
    layouts = learnt(*[master(n, values=values) for values in (30, 60, 90) for n in (1, 2)])
    assert sum(read(layouts, master(3, values=values)) is not None for values in (30, 60, 90)) <= 2


FLIPS: Any = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 7)), min_size=1, max_size=3)


@given(st.integers(0, 1000), FLIPS, st.booleans())
@settings(deadline=None, max_examples=60)
def test_whatever_is_damaged_it_says_what_the_library_says(
    seed: int, flips: list[tuple[int, int]], linked: bool
) -> None:
    """Or nothing: bits flipped anywhere, in structure and data."""
    link = "scan-0042_pilatus.h5" if linked else None
    content = bytearray(master(seed, link=link))
    for at, bit in flips:
        content[at % len(content)] ^= 1 << bit
    found = read(LINKED if linked else PLAIN, bytes(content))
    if found is not None:
        assert repr(found) == repr(by_library(bytes(content)))


PLAIN = learnt(master(1), master(2))
LINKED = learnt(master(1, link="scan-0001_pilatus.h5"), master(2, link="scan-0002_pilatus.h5"))
