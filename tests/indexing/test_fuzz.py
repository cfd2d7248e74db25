"""A few of the mutated masters that the fuzz script sends through the indexer by the thousand."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.fuzz_index import fuzz_folder
from danmax_sync.indexing import pool


def test_mutated_masters_cost_themselves_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a scan or a row in problems, the good ones beside them are as they are, and nothing hangs or crashes."""
    monkeypatch.setattr(pool, "MOST_SECONDS", 3.0)
    outcomes: Counter[str] = Counter()
    assert fuzz_folder(tmp_path, 120, 4, outcomes) == []
    assert len(outcomes) > 8
