"""Logging in at Globus: links, codes, consents, sessions, and the file of tokens."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from danmax_sync.errors import ConnectionLostError, LoginError, SourceError
from danmax_sync.settings import globus_tokens_file, settings_file
from danmax_sync.sources.globus import login, logout
from danmax_sync.sources.globus.account import CLIENT_ID_VARIABLE, CLIENT_SECRET_VARIABLE, account
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.globus import Answered, Collection, GlobusService
from danmax_sync.testing.globus.auth import CLIENT_ID, TRANSFER_ALL
from danmax_sync.testing.globus.collections import GUEST, SERVER
from danmax_sync.visits import ROOT
from tests.sources.globus.places import Browser, pointed_at, remote_at


@pytest.fixture
def mapped(tmp_path: Path) -> Collection:
    """Return a collection of a server that wants a consent of its own, and offers HTTPS."""
    return Collection(tmp_path, "DanMAX", https=True)


@pytest.fixture
def service(mapped: Collection) -> Iterator[GlobusService]:
    """Serve it to a user who has to log in."""
    with pointed_at(GlobusService([mapped]), unattended=False) as service:
        yield service


def test_one_login_brings_what_the_collection_wants(service: GlobusService, mapped: Collection) -> None:
    """First who you are, then the consents that this collection has; later commands ask nothing."""
    browser = Browser(service)
    said = login(remote_at(mapped), browser)
    assert said == f"logged in at Globus: facility is the collection DanMAX ({mapped.id})"
    assert len(browser.shown) == 2
    assert ["Once more" in told for told in browser.told] == [False, True]
    assert service.auth.has_consent(TRANSFER_ALL, mapped.data_access_scope)
    assert service.auth.has_consent(mapped.https_scope, mapped.data_access_scope)
    with GlobusSource.open(remote_at(mapped), NoTerminal()) as source:
        assert source.files_in(ROOT) == []
    login(remote_at(mapped), browser)
    assert len(browser.shown) == 2


@pytest.mark.parametrize(("kind", "high_assurance"), [(SERVER, True), (GUEST, False)])
def test_data_access_is_asked_for_only_where_it_exists(
    service: GlobusService, mapped: Collection, kind: str, *, high_assurance: bool
) -> None:
    """Auth refuses a scope that a collection does not have, and so would the whole login."""
    mapped.kind, mapped.high_assurance, mapped.https = kind, high_assurance, False
    browser = Browser(service)
    login(remote_at(mapped), browser)
    assert len(browser.shown) == 1
    assert "data_access" not in browser.shown[0]


def test_tokens_are_for_their_owner_alone(service: GlobusService, mapped: Collection) -> None:
    """Whatever the umask, which stays as it is; the secret appears nowhere else."""
    before = os.umask(0)
    try:
        login(remote_at(mapped), Browser(service))
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    file = globus_tokens_file()
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, "settings.toml"])


def test_without_a_terminal_the_command_is_named(service: GlobusService, mapped: Collection) -> None:
    """Nobody is asked."""
    with pytest.raises(LoginError, match="not logged in at Globus") as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert caught.value.hint == "danmax-sync login facility"


def test_with_a_terminal_the_login_happens_on_the_way(service: GlobusService, mapped: Collection) -> None:
    """As with SFTP."""
    with GlobusSource.open(remote_at(mapped), Browser(service)) as source:
        assert source.name == "facility"


def test_a_missing_consent_is_one_sentence_and_one_action(service: GlobusService, mapped: Collection) -> None:
    """Also where a login is there, of another collection."""
    mapped.https = False
    login(remote_at(mapped), Browser(service))
    service.auth.consents.clear()
    with pytest.raises(LoginError) as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert caught.value.message == "DanMAX wants you to allow danmax-sync to use your files there, once"
    assert caught.value.hint == "danmax-sync login facility"
    login(remote_at(mapped), Browser(service))
    GlobusSource.open(remote_at(mapped), NoTerminal()).close()


def test_a_session_of_another_domain_is_one_sentence_and_one_action(service: GlobusService, mapped: Collection) -> None:
    """The login asks Globus for just that."""
    login(remote_at(mapped), Browser(service))
    mapped.session_domain = "maxiv.lu.se"
    with pytest.raises(LoginError) as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert "DanMAX wants a login with an account of maxiv.lu.se" in caught.value.message
    browser = Browser(service)
    login(remote_at(mapped), browser)
    assert "session_required_single_domain=maxiv.lu.se" in browser.shown[-1]
    GlobusSource.open(remote_at(mapped), NoTerminal()).close()


def test_what_a_server_behind_globus_wants_is_found_in_its_message(service: GlobusService, mapped: Collection) -> None:
    """As servers of collections with policies say it."""
    login(remote_at(mapped), Browser(service))
    result = '{"DATA_TYPE": "result#1.1.0", "authorization_parameters": {"session_required_single_domain": ["lu.se"]}}'
    message = (
        f"Command Failed: Error (login)\\nDetails: 530-Login incorrect. 530-GridFTP-JSON-Result: {result} 530 End."
    )
    service.faults.append(Answered("GET /stat", 502, "ExternalError.DirListingFailed.LoginFailed", message, times=10))
    with pytest.raises(LoginError, match=r"DanMAX wants a login with an account of lu\.se"):
        GlobusSource.open(remote_at(mapped), NoTerminal())


def test_expired_tokens_are_renewed_without_a_word(service: GlobusService, mapped: Collection) -> None:
    """Refresh tokens last; once they are revoked, one command helps."""
    login(remote_at(mapped), Browser(service))
    service.auth.expire()
    (mapped.folder / "x.h5").write_bytes(b"content")
    with GlobusSource.open(remote_at(mapped), NoTerminal()) as source:
        infos = source.files_in(ROOT)
        service.auth.expire()
        assert [content for _, content in source.fetch_whole(infos)] == [b"content"]
    service.auth.revoke_everything()
    with pytest.raises(LoginError, match="has run out or was revoked") as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert caught.value.hint == "danmax-sync login facility"
    login(remote_at(mapped), Browser(service))
    GlobusSource.open(remote_at(mapped), NoTerminal()).close()


def test_a_wrong_code_is_refused(service: GlobusService, mapped: Collection) -> None:
    """Nothing is kept."""
    with pytest.raises(LoginError, match="does not accept the code"):
        login(remote_at(mapped), Browser(service, code="wrong"))
    assert not globus_tokens_file().exists()


def test_another_account_is_not_mixed_in(service: GlobusService, mapped: Collection) -> None:
    """Log out first."""
    login(remote_at(mapped), Browser(service))
    service.auth.revoke_everything()
    service.auth.identity = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(LoginError, match="another Globus account") as caught:
        login(remote_at(mapped), Browser(service))
    assert caught.value.hint == "danmax-sync logout facility"


def test_logging_out_revokes_and_forgets(service: GlobusService, mapped: Collection) -> None:
    """Once; then there is nothing to do."""
    login(remote_at(mapped), Browser(service))
    assert service.auth.refresh_tokens
    assert logout(remote_at(mapped)) == "logged out at Globus, for all remotes there"
    assert not service.auth.refresh_tokens
    assert not globus_tokens_file().exists()
    assert logout(remote_at(mapped)) == "you were not logged in at Globus"


def test_a_client_of_its_own_needs_nobody(mapped: Collection) -> None:
    """With a secret in the environment, for machines that work by night."""
    with (
        pointed_at(GlobusService([mapped]), unattended=True) as service,
        GlobusSource.open(remote_at(mapped), NoTerminal()) as source,
    ):
        assert source.files_in(ROOT) == []
        assert service.auth.logins == 0


def test_a_client_id_is_needed_and_how_to_get_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment or the settings; a typing error is seen."""
    monkeypatch.delenv(CLIENT_ID_VARIABLE, raising=False)
    with pytest.raises(LoginError, match="client id of your own") as caught:
        account()
    assert "https://app.globus.org/settings/developers" in caught.value.hint
    assert str(settings_file()) in caught.value.hint
    assert len(caught.value.hint.splitlines()) == 3
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('[globus]\nclient_id = "mine"\n', encoding="utf-8")
    with pytest.raises(LoginError, match="'mine' is not a UUID"):
        account()
    settings_file().write_text(f'[globus]\nclient_id = "{CLIENT_ID.upper()}"\n', encoding="utf-8")
    assert account().client_id == CLIENT_ID
    assert not account().is_unattended


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 5}', f'{{"{CLIENT_ID}": {{"transfer.api.globus.org": {{}}}}}}'])
def test_a_damaged_file_of_tokens_is_a_login_error(service: GlobusService, mapped: Collection, content: str) -> None:
    """It is not overwritten."""
    globus_tokens_file().parent.mkdir(parents=True)
    globus_tokens_file().write_text(content, encoding="utf-8")
    with pytest.raises(LoginError, match="cannot be read") as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert "delete it" in caught.value.hint
    assert globus_tokens_file().read_text(encoding="utf-8") == content


def test_a_collection_that_does_not_exist_is_named(service: GlobusService, mapped: Collection) -> None:
    """And where to look its UUID up; a folder too."""
    other = Collection(mapped.folder, "elsewhere")
    with pytest.raises(SourceError, match=f"no collection {other.id}") as caught:
        login(remote_at(other), Browser(service))
    assert "app.globus.org/collections" in caught.value.hint
    with pytest.raises(SourceError, match="facility:/nowhere does not exist"):
        GlobusSource.open(remote_at(mapped, "/nowhere"), Browser(service))


def test_globus_that_is_not_there_is_told_apart_from_a_wrong_login(
    service: GlobusService, mapped: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run again is the advice."""
    login(remote_at(mapped), Browser(service))
    monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_TRANSFER", "http://127.0.0.1:9/")
    with pytest.raises(ConnectionLostError, match="Globus cannot be reached") as caught:
        GlobusSource.open(remote_at(mapped), NoTerminal())
    assert "run the same command again" in caught.value.hint


def test_a_login_without_a_terminal_is_one_sentence(service: GlobusService, mapped: Collection) -> None:
    """Without the link: nobody could paste the code it leads to."""
    with pytest.raises(LoginError, match="there is no terminal to answer in") as caught:
        login(remote_at(mapped), NoTerminal())
    assert "http" not in caught.value.message
    assert "danmax-sync login" in caught.value.hint


def test_a_wrong_secret_is_called_so(mapped: Collection) -> None:
    """There is no code to be wrong where nobody logs in."""
    with pointed_at(GlobusService([mapped])) as service:
        service.faults.append(Answered("POST /token", 401, more={"error": "invalid_client"}, times=10**6))
        with pytest.raises(LoginError, match="does not accept the secret") as caught:
            login(remote_at(mapped), NoTerminal())
        assert CLIENT_SECRET_VARIABLE in caught.value.hint


def test_tokens_that_cannot_be_kept_are_no_bug(
    service: GlobusService, mapped: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full or read-only disk is said, and no half a file with tokens stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(LoginError, match=r"cannot be kept in .*Read-only") as caught:
        login(remote_at(mapped), Browser(service))
    assert "DANMAX_SYNC_HOME" in caught.value.hint
    assert [path for path in settings_file().parent.iterdir() if "token" in path.name] == []
