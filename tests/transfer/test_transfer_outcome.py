"""What many sets come to, in one code and one summary."""

import pytest

from danmax_sync.errors import ExitCode
from danmax_sync.transfer.outcome import GetSummary, SetOutcome, SetState


def outcome(code: ExitCode, *, files: int = 0) -> SetOutcome:
    """Return a set that ended so."""
    state = SetState.COMPLETE if code is ExitCode.DONE else SetState.FAILED
    return SetOutcome("scan 1", "raw/a/scan-0001.h5", state, files, files * 10, exit_code=code)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], ExitCode.DONE),
        ([ExitCode.DONE, ExitCode.DONE], ExitCode.DONE),
        ([ExitCode.DONE, ExitCode.SOURCE], ExitCode.SOURCE),
        ([ExitCode.SOURCE, ExitCode.VERIFICATION], ExitCode.VERIFICATION),
        ([ExitCode.VERIFICATION, ExitCode.UNFINISHED, ExitCode.SOURCE], ExitCode.UNFINISHED),
        ([ExitCode.DONE, ExitCode.LOGIN], ExitCode.LOGIN),
    ],
)
def test_the_code_says_what_to_do_next(codes: list[ExitCode], expected: ExitCode) -> None:
    """Running again comes first, because it helps; a failure is never 0."""
    assert GetSummary([outcome(code) for code in codes]).exit_code is expected


def test_the_calibration_counts() -> None:
    """Its files, its bytes and its failure."""
    summary = GetSummary([outcome(ExitCode.DONE, files=2)], calibration_files=3, calibration_bytes=7)
    assert (summary.files, summary.bytes, summary.exit_code) == (5, 27, ExitCode.DONE)
    summary.calibration_code = ExitCode.UNFINISHED
    assert summary.exit_code is ExitCode.UNFINISHED


def test_the_summary_has_the_keys_of_the_contract() -> None:
    """Every state is counted, also with 0."""
    told = GetSummary([outcome(ExitCode.DONE), outcome(ExitCode.SOURCE)]).to_json()
    assert {"sets", "files", "bytes", "seconds"} <= set(told)
    assert told["sets"] == {"complete": 1, "partial": 0, "failed": 1, "skipped": 0}
