"""What went wrong is said once for all that it went wrong with, with one remedy; what is common needs no names."""

from pathlib import Path

import pytest

from danmax_sync.cli.commands.integrate import _show
from danmax_sync.cli.transfers import show_summary
from danmax_sync.integration.outcome import IntegrateSummary, ScanOutcome
from danmax_sync.transfer.outcome import GetSummary, SetOutcome, SetState
from tests.integration.scenes import Home


def outcome(number: int, *notes: str, message: str = "", hint: str = "") -> ScanOutcome:
    """Return what became of a scan."""
    output = None if message else Path(f"azint/scan-{number:04d}.h5")
    return ScanOutcome(f"scan {number}", output, 4, message=message, hint=hint, notes=notes, poni="x.poni")


def test_what_all_scans_have_in_common_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Two hundred scans, the same bins; of one scan what differs."""
    scans = [outcome(number, "3000 bins, as usual") for number in range(1, 200)]
    _show(IntegrateSummary([*scans, outcome(200, "3000 bins, as usual", "threshold 0 of 2")]))
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["3000 bins, as usual", "scan 200: threshold 0 of 2"]
    assert len(told) == 5


def test_where_bins_differ_each_number_names_its_scans(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a number of bins; of a single scan its name."""
    _show(IntegrateSummary([outcome(1, "3000 bins"), outcome(2, "344 bins"), outcome(3, "3000 bins")]))
    assert capsys.readouterr().err.splitlines()[:2] == ["scans 1 and 3: 3000 bins", "scan 2: 344 bins"]
    _show(IntegrateSummary([outcome(1, "3000 bins")]))
    assert capsys.readouterr().err.splitlines()[0] == "scan 1: 3000 bins"


def test_patterns_of_other_settings_are_one_error(home: Home) -> None:
    """With the option that this command has."""
    home.index()
    home.integrate("42-44", "--bins", "300")
    ran = home.run_line("integrate 42-44 --bins 200", exit_code=2)
    told = ran.err.splitlines()
    assert [line for line in told if line.startswith("error: ")] == told[:1]
    assert told[0].startswith(f"error: scans 42-44 not integrated: {home.output(42)} was made with other settings")
    assert told[0].endswith("; the others likewise")
    assert told[1] == "  → replace it: --overwrite"


def test_a_remedy_that_several_sets_share_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the last of them, whatever order they came in."""
    told = [
        SetOutcome(f"scan {number}", f"raw/{number}.h5", SetState.SKIPPED, message=message, hint=hint)
        for number, message, hint in [
            (1, "1.h5 is missing", "mend it"),
            (2, "it runs", "wait"),
            (3, "3.h5 is missing", "mend it"),
            (4, "it runs", "wait"),
        ]
    ]
    show_summary(GetSummary(told), Path("home"), as_json=False)
    assert capsys.readouterr().err.splitlines()[:-1] == [
        "warning: scan 1 skipped: 1.h5 is missing",
        "warning: scan 3 skipped: 3.h5 is missing",
        "  → mend it",
        "warning: scans 2 and 4 skipped: it runs",
        "  → wait",
    ]
