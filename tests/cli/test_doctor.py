"""``doctor`` says what this machine lacks, and what to do about it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from danmax_sync import settings
from danmax_sync.scanfile import detector
from danmax_sync.settings import globus_tokens_file
from danmax_sync.sources.globus import login
from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.collections import GUEST
from tests.conftest import Ran, RunLine
from tests.needs import require_program
from tests.sources.globus.places import Browser, pointed_at, remote_at, set_up_personal


def findings(ran: Ran) -> list[dict[str, Any]]:
    """Return what was found about Globus."""
    return [finding for finding in ran.events if finding["topic"] == "globus"]


def test_a_fresh_machine_is_told_what_globus_needs(run_line: RunLine) -> None:
    """A client id, in a few words how to get one, and Globus Connect Personal; nothing else is missing."""
    ran = run_line("doctor --json")
    assert [(finding["ready"], finding["message"]) for finding in findings(ran)] == [
        (False, "Globus needs a client id of your own, and none is set"),
        (False, "Globus Connect Personal is not set up on this machine"),
    ]
    assert "https://app.globus.org/settings/developers" in findings(ran)[0]["hint"]
    topics = {finding["topic"]: finding["ready"] for finding in ran.events if finding["topic"] != "globus"}
    assert {topic for topic, ready in topics.items() if not ready} == set()
    ours = {"version", "libraries", "settings", "catalogue", "ssh", "agent", "disk", "filters", "numba", "completion"}
    assert set(topics) == ours
    told = run_line("doctor").out
    assert "not ready  globus: Globus needs a client id" in told
    assert "→ open https://app.globus.org/settings/developers" in told


def test_globus_is_missing_only_to_those_who_use_it(run_line: RunLine) -> None:
    """With a remote there, what Globus lacks ends it with 4; without one, a machine is ready."""
    run_line("doctor")
    run_line("remote add maxiv globus://6b2c6f2e-0000-4000-8000-000000000001/data")
    run_line("doctor", exit_code=4)


def test_a_machine_that_is_ready_is_told_so(run_line: RunLine, tmp_path: Path) -> None:
    """Step by step; Globus is not asked."""
    it = Collection(tmp_path, "DanMAX", kind=GUEST)
    with pointed_at(GlobusService([it]), unattended=False) as service:
        set_up_personal()
        asked = [finding["message"] for finding in findings(run_line("doctor --json"))]
        assert asked[1] == "nobody is logged in"
        login(remote_at(it), Browser(service))
        before = len(service.log)
        found = findings(run_line("doctor --json"))
        assert all(finding["ready"] for finding in found)
        assert str(globus_tokens_file()) in found[1]["message"]
        assert len(service.log) == before
    with pointed_at(GlobusService([it])):
        assert "nobody has to log in" in findings(run_line("doctor --json"))[1]["message"]


def test_what_is_wrong_is_told(run_line: RunLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A damaged file of tokens, a folder that may not be written to, a filter that is not there."""
    monkeypatch.setattr(detector, "reads_bitshuffle", lambda: False)
    set_up_personal(writable="/nowhere")
    it = Collection(tmp_path, "DanMAX", kind=GUEST)
    with pointed_at(GlobusService([it]), unattended=False):
        settings.ensured_home()
        globus_tokens_file().write_text("{", encoding="utf-8")
        ran = run_line("doctor --json", exit_code=3)
    assert [finding["ready"] for finding in findings(ran)] == [True, False, False]
    assert ",0,1'" in findings(ran)[2]["hint"]
    assert not next(finding for finding in ran.events if finding["topic"] == "filters")["ready"]


@pytest.mark.parametrize(
    ("topic", "harm", "said", "code"),
    [
        ("settings", lambda: settings.settings_file().write_text("[get"), "danmax-sync settings edit", 2),
        ("catalogue", lambda: Path(settings.catalogue_location()).write_text("notes" * 99), "index again", 8),
        ("disk", lambda: settings.destinations_file().write_text(_GONE), "--to DIR", 3),
        ("agent", lambda: None, "ssh-add", 0),
        ("settings", lambda: settings.remotes_file().write_text("{"), "remotes", 2),
    ],
)
def test_what_is_not_ready_has_its_remedy(
    topic: str,
    harm: Callable[[], object],
    said: str,
    *,
    code: int,
    run_line: RunLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line is ready, or followed by what to do; the exit code is that of the commands that would fail."""
    run_line(["remote", "add", "usb", "file:///media/usb"])
    if topic == "agent":
        require_program("ssh-add")
        monkeypatch.setenv("SSH_AUTH_SOCK", "/nobody/listens")
    harm()
    found = [
        each
        for each in run_line("doctor --json", exit_code=code).events
        if each["topic"] == topic and not each["ready"]
    ]
    assert len(found) == 1
    assert said in found[0]["hint"]


_GONE = '{"usb": {"uri": "file:///media/usb", "to": "/media/unplugged/visit"}}'
