"""The compiled functions, loaded when first used."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from danmax_sync.integration.compiling import Compiled, load_functions


@lru_cache(maxsize=1)
def functions() -> Mapping[str, Compiled]:
    """Return the inner loops by name; the first time on a machine, compiling them takes some ten seconds."""
    return load_functions(_compile)


def _compile() -> Mapping[str, Any]:
    from danmax_sync.integration import clipping, encoding, finishing, kernel

    return {
        "add_frames": kernel.add_frames,
        "lose_shares": finishing.lose_shares,
        "fold_rows": finishing.fold_rows,
        "finish_frames": finishing.finish_frames,
        "finish_cake": finishing.finish_cake,
        "pack_numbers": encoding.pack_numbers,
        "add_exactly": clipping.add_exactly,
        "spread_around": clipping.spread_around,
    }
