"""Remotes by name: what may be one, and the file that keeps them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import UsageError
from danmax_sync.settings import remotes_file
from danmax_sync.sources.remotes import (
    Remote,
    add_remote,
    checked_remote,
    find_remote,
    load_remotes,
    overlapping,
    remove_remote,
)

COLLECTION = "01234567-89ab-cdef-0123-456789abcdef"
VISIT = "/data/visitors/danmax/20251234/2025110208"


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        (f"sftp://sftp.maxiv.lu.se{VISIT}", ("sftp", "sftp.maxiv.lu.se", None, None, VISIT)),
        (f"sftp://me@host:2222{VISIT}/", ("sftp", "host", "me", 2222, VISIT)),
        ("sftp://me%40lab@host/a%20b", ("sftp", "host", "me@lab", None, "/a b")),
        ("sftp://host/a b", ("sftp", "host", None, None, "/a b")),
        ("sftp://host/100%25", ("sftp", "host", None, None, "/100%")),
        ("sftp://[::1]:22/x", ("sftp", "::1", None, 22, "/x")),
        ("sftp://host/", ("sftp", "host", None, None, "/")),
        (f"globus://{COLLECTION}{VISIT}/", ("globus", COLLECTION, None, None, VISIT)),
        (f"globus://{COLLECTION.upper()}/~/my%20visit", ("globus", COLLECTION, None, None, "/~/my visit")),
        ("file:///media/usb", ("file", "", None, None, "/media/usb")),
        ("file://localhost/media/usb", ("file", "localhost", None, None, "/media/usb")),
    ],
)
def test_a_uri_is_taken_apart(uri: str, parts: tuple[object, ...]) -> None:
    """Host, account, port and folder; checking it again changes nothing."""
    remote = checked_remote("maxiv", uri)
    assert (remote.scheme, remote.host, remote.user, remote.port, remote.path) == parts
    assert checked_remote("maxiv", remote.uri) == remote


def test_a_folder_is_a_uri_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, relative, or below the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "usb 1").mkdir()
    expected = (tmp_path / "usb 1").as_uri()
    for spelled in (str(tmp_path / "usb 1"), "./usb 1", "usb 1", "~/usb 1"):
        assert checked_remote("usb", spelled).uri == expected


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("host:/path", "not a place"),
        ("http://host/x", "not a place"),
        ("sftp://host", "lacks its host or its folder"),
        ("sftp:///x", "lacks its host or its folder"),
        ("sftp://host:port/x", "not a URI"),
        ("sftp://host:99999/x", "not a URI"),
        ("sftp://[::1/x", "not a URI"),
        ("sftp://me:secret@host/x", "password"),
        ("sftp://host/x?y", "bare"),
        ("sftp://host/x#y", "bare"),
        ("globus://collection/x", "UUID of its Globus collection"),
        (f"globus://{COLLECTION}", "or its folder"),
        (f"globus://me@{COLLECTION}/x", "UUID of its Globus collection"),
        (f"globus://{COLLECTION}:22/x", "UUID of its Globus collection"),
        ("file://media/usb", "another host"),
        ("", "not a place"),
        ("sftp://-oProxyCommand=touch/x", "cannot be the host of an SSH server"),
        ("sftp://-oProxyCommand=touch@host/x", "cannot be the user of an SSH server"),
        ("sftp://%2DoProxyCommand=touch@host/x", "cannot be the user of an SSH server"),
        ("sftp://me%0A@host/x", "cannot be the user of an SSH server"),
        ("sftp://ho st/x", "cannot be the host of an SSH server"),
        ("sftp://ho\nst/x", "control character"),
        ("sftp://ho\tst/x", "control character"),
        (" sftp://host/x", "begins or ends with a space"),
        ("sftp://host:0/x", "port 0"),
    ],
)
def test_what_cannot_be_a_remote_is_refused(uri: str, message: str) -> None:
    """With what is expected; a password is never repeated."""
    with pytest.raises(UsageError, match=message) as caught:
        checked_remote("maxiv", uri)
    assert caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


def test_what_somebody_wrote_into_the_file_is_checked_as_well() -> None:
    """No remote whose host is an option of ssh comes out of it; the message names the file."""
    remotes_file().parent.mkdir(parents=True)
    remotes_file().write_text('{"bad": "sftp://-oProxyCommand=touch/x"}')
    with pytest.raises(UsageError, match=r"remotes\.json: '-oproxycommand=touch' cannot be the host") as caught:
        find_remote("bad")
    assert "mend or delete that line" in caught.value.hint


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "a/b", "x" * 65, "ö", "a\n"])
def test_a_name_is_a_plain_word(name: str) -> None:
    """It is typed, and stands beside options and paths."""
    with pytest.raises(UsageError, match="cannot be a remote's name"):
        checked_remote(name, "sftp://host/x")


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_is_a_remote_or_a_usage_error(text: str) -> None:
    """And a remote is stable under checking."""
    for uri in (text, f"sftp://{text}", f"sftp://host/{text}"):
        try:
            remote = checked_remote("x", uri)
        except UsageError:
            continue
        assert checked_remote("x", remote.uri) == remote
        assert remote.path.startswith("/")


def test_remotes_are_kept_found_and_forgotten() -> None:
    """In one small file that people can read."""
    assert load_remotes() == {}
    usb, maxiv = Remote("usb", "file:///media/usb"), checked_remote("maxiv", f"sftp://me@host{VISIT}")
    for remote in (usb, maxiv, maxiv):
        add_remote(remote)
    assert load_remotes() == {"maxiv": maxiv, "usb": usb}
    assert json.loads(remotes_file().read_text(encoding="utf-8")) == {"maxiv": maxiv.uri, "usb": usb.uri}
    assert find_remote("usb") == usb
    assert remove_remote("usb") == usb
    assert load_remotes() == {"maxiv": maxiv}
    assert {path.name for path in remotes_file().parent.iterdir()} == {"remotes.json", "settings.toml"}


def test_a_name_stands_for_one_place() -> None:
    """Another place needs another name, or the first one removed."""
    add_remote(Remote("usb", "file:///media/usb"))
    with pytest.raises(UsageError, match="already stands for file:///media/usb") as caught:
        add_remote(Remote("usb", "file:///media/other"))
    assert "remote remove usb" in caught.value.hint


def test_an_unknown_remote_names_the_known_ones() -> None:
    """Or says that there are none; nothing can be removed that is not there."""
    with pytest.raises(UsageError, match="there are none yet"):
        find_remote("usb")
    add_remote(Remote("usb", "file:///media/usb"))
    for act, hint in ((find_remote, "remote add"), (remove_remote, "remote list")):
        with pytest.raises(UsageError, match=r"did you mean usb\? known: usb") as caught:
            act("ubs")
        assert hint in caught.value.hint


def test_places_that_hold_each_other_are_noticed() -> None:
    """One folder too high, or too deep, or the same under another name; a host of another port is another."""
    add_remote(checked_remote("visit", f"sftp://me@host{VISIT}"))
    for name, uri, said in (
        ("high", f"sftp://you@host{VISIT.rpartition('/')[0]}", "high holds visit"),
        ("deep", f"sftp://me@host{VISIT}/raw", "visit holds deep"),
        ("again", f"sftp://me@host{VISIT}", "visit is the same place"),
        ("visit", f"sftp://me@host{VISIT}", ""),
        ("other", f"sftp://me@host:2222{VISIT}/raw", ""),
        ("beside", f"sftp://me@host{VISIT}0", ""),
    ):
        assert overlapping(checked_remote(name, uri)).startswith(said)
        assert bool(overlapping(checked_remote(name, uri))) == bool(said)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff\xfe", b'{"usb": 5}', b'{"usb": "http://x/y"}', b'"text"', b"null"]
)
def test_a_damaged_file_of_remotes_is_a_usage_error(content: bytes) -> None:
    """It is not overwritten, and the message says what to do."""
    remotes_file().parent.mkdir(parents=True)
    remotes_file().write_bytes(content)
    with pytest.raises(UsageError) as caught:
        add_remote(Remote("usb", "file:///media/usb"))
    assert caught.value.hint
    assert remotes_file().read_bytes() == content
