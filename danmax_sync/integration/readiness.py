"""Is this machine ready to integrate?"""

from danmax_sync.integration.compiling import cache_folder, is_compiled
from danmax_sync.sources.readiness import Finding


def compiler_readiness() -> Finding:
    """Say whether the inner loops are compiled, or can be."""
    try:
        if is_compiled():
            return Finding(True, f"the inner loops of integrate are compiled, in {cache_folder()}")
    except Exception as problem:  # noqa: BLE001 - whatever a broken installation raises
        return Finding(False, f"the compiler does not work: {problem}", "pip install --force-reinstall numba llvmlite")
    return Finding(True, "the inner loops are compiled by the first integrate, once, which takes some ten seconds")
