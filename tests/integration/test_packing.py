"""Chunks that are packed by our own hand are what HDF5's filter reads."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from danmax_sync.integration.packing import packed, packing_of


def read_back(chunk: bytes, numbers: int, layer: str) -> NDArray[np.float32]:
    """Return what HDF5 reads from a chunk."""
    with h5py.File("chunk", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("chunk", shape=(numbers,), chunks=(numbers,), dtype="<f4", **packing_of(layer))
        data.id.write_direct_chunk((0,), chunk)
        found: NDArray[np.float32] = data[()]
    return found


def packed_by_hdf5(values: NDArray[np.float32], layer: str) -> int:
    """Return the bytes of the chunk that HDF5's own filter makes."""
    with h5py.File("chunk", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("chunk", data=values, chunks=values.shape, **packing_of(layer))
        return int(data.id.get_storage_size())


@pytest.mark.parametrize("layer", ["pattern", "sectors", "cake"])
@pytest.mark.parametrize("numbers", [1, 7, 8, 9, 2047, 2048, 2049, 2056, 5003])
def test_hdf5_reads_what_was_packed(layer: str, numbers: int) -> None:
    """Whatever the length, short last blocks and pixels that are not compressed included, every bit comes back."""
    rng = np.random.default_rng(numbers)
    values = rng.poisson(20, numbers).astype(np.float32) / np.float32(0.7)
    values[numbers // 2 :] = np.nan
    assert read_back(packed(values, layer), numbers, layer).tobytes() == values.tobytes()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 0x7FC00000, 0x80000000, 0xFFFFFFFF, -1]), st.integers(1, 1500)), max_size=12
    ),
    st.integers(0, 2**32 - 1),
)
def test_runs_of_any_length_come_back(runs: list[tuple[int, int]], seed: int) -> None:
    """Runs of one number and noise, long and short, in any order, come back bit for bit."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.integers(0, 2**32, length, dtype=np.uint32) if bits < 0 else np.full(length, bits, dtype=np.uint32)
        for bits, length in [*runs, (-1, 1)]
    ]
    words = np.concatenate(parts)
    found = read_back(packed(words.view(np.float32), "cake"), words.size, "cake")
    assert np.array_equal(found.view(np.uint32), words)


def test_a_chunk_is_hardly_larger_than_hdf5_makes_it() -> None:
    """Of counts with a third of the bins empty, it takes at most a twentieth more."""
    rng = np.random.default_rng(1)
    values = (rng.poisson(20, 20_000) / rng.uniform(0.9, 1.0, 20_000)).astype(np.float32)
    values[:7000] = np.nan
    assert len(packed(values, "cake")) < 1.05 * packed_by_hdf5(values, "cake")
