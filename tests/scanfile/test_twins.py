"""The fast way of reading small datasets says what the library says, or nothing."""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5l
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.scanfile.master import read_content
from danmax_sync.scanfile.twins import Twins
from danmax_sync.visits import TreePath, place

WHERE = place(TreePath.parse("raw/LaB6/scan-0042.h5"))
DTYPES = st.sampled_from(["<f8", ">f8", "<f4", ">f4", "<i8", ">i4", "u1", "<u2", "i1", "<f2", "?"])
SHAPES = st.sampled_from([(), (), (1,), (3,), (7,)])
MADE: Any = st.lists(
    st.tuples(DTYPES, SHAPES, st.integers(0, 100), st.sampled_from(["", "mm", "a longer unit", "chunked", "text"])),
    min_size=1,
    max_size=12,
)


def written(datasets: list[tuple[str, tuple[int, ...], int, str]], **options: Any) -> bytes:
    """Write datasets ``d0``, ``d1``… below ``start_positioners`` of a master."""
    content = io.BytesIO()
    with h5py.File(content, "w", **options) as file:
        group = file.create_group("entry/instrument/start_positioners")
        file["entry/title"] = "timescan 1 1"
        for number, (dtype, shape, value, more) in enumerate(datasets):
            data = np.full(shape, value).astype(dtype)
            if more == "text":
                group[f"d{number}"] = f"text {value}"
            elif more == "chunked" and shape:
                group.create_dataset(f"d{number}", data=data, chunks=(1,), compression="gzip")
            else:
                group[f"d{number}"] = data
                if more:
                    group[f"d{number}"].attrs["units"] = more
    return content.getvalue()


@given(MADE, st.sampled_from(["earliest", "latest", "v108"]), st.sampled_from([0, 512]))
@settings(deadline=None, max_examples=60)
def test_a_master_reads_the_same_with_and_without_it(
    datasets: list[tuple[str, tuple[int, ...], int, str]], libver: str, userblock: int
) -> None:
    """Whatever the types, byte orders, shapes, attributes, storage and format."""
    content = written(datasets, libver=libver, userblock_size=userblock)
    assert read_content(content, "x", WHERE) == read_content(content, "x", WHERE, twins=False)


def addresses(content: bytes) -> tuple[h5py.File, dict[str, int]]:
    """Open a file's bytes and return where the headers of its snapshot are."""
    file = h5py.File(io.BytesIO(content), "r")
    found: dict[str, int] = {}

    def take(name: bytes, info: h5l.LinkInfo) -> None:
        found[name.decode()] = info.u

    group = file["entry/instrument/start_positioners"]
    group.id.links.iterate(take, info=True)
    return file, found


def test_what_was_learnt_from_one_reads_the_others() -> None:
    """Of a hundred alike, the library opens one."""
    content = written([("<f8", (), n, "mm") for n in range(100)])
    file, where = addresses(content)
    twins = Twins(content)
    assert twins.read(where["d0"]) is None
    twins.learn(where["d0"], file["entry/instrument/start_positioners/d0"].id)
    for number in range(100):
        value = twins.read(where[f"d{number}"])
        assert value is not None
        assert value.item() == float(number)
    file.close()


@pytest.mark.parametrize("other", [(">f8", (), 1, ""), ("<f4", (), 1, ""), ("<f8", (1,), 1, ""), ("<i8", (), 1, "")])
def test_another_type_or_shape_is_no_twin(other: tuple[str, tuple[int, ...], int, str]) -> None:
    """It differs in its header, so the library has to be asked."""
    content = written([("<f8", (), 1, ""), other])
    file, where = addresses(content)
    twins = Twins(content)
    twins.learn(where["d0"], file["entry/instrument/start_positioners/d0"].id)
    assert twins.read(where["d0"]) is not None
    assert twins.read(where["d1"]) is None
    file.close()


def test_data_elsewhere_or_nowhere_are_never_learnt(tmp_path: Path) -> None:
    """External, virtual and chunked data, data never written, and an address beyond the file's end."""
    (tmp_path / "secret").write_bytes(b"12345678")
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/instrument/start_positioners")
        group.create_dataset("external", (), "f8", external=[(str(tmp_path / "secret"), 0, 8)])
        group.create_virtual_dataset("virtual", h5py.VirtualLayout((1,), "f8"))
        group.create_dataset("chunked", data=np.ones(1), chunks=(1,))
        group.create_dataset("unwritten", (), "f8")
        group["good"] = 1.0
    content = path.read_bytes()
    file, where = addresses(content)
    twins = Twins(content)
    for name in ("external", "virtual", "chunked", "unwritten"):
        twins.learn(where[name], file[f"entry/instrument/start_positioners/{name}"].id)
        assert twins.read(where[name]) is None
    cut = Twins(content[: file["entry/instrument/start_positioners/good"].id.get_offset() + 4])
    cut.learn(where["good"], file["entry/instrument/start_positioners/good"].id)
    assert cut.read(where["good"]) is None
    file.close()
