"""The simulated Globus moves files as Globus does; the real SDK drives it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import globus_sdk
import pytest
import requests
from globus_sdk.transport import RetryConfig

from danmax_sync.testing.globus import Answered, Collection, Corrupted, GlobusService, LostAnswer, Slow
from danmax_sync.testing.globus.auth import CLIENT_ID, TRANSFER_ALL
from danmax_sync.testing.globus.faults import Refused, wait_until
from tests.testing.globus_places import client_of, submit

OLD_S = 1_700_000_000


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GlobusService]:
    """Serve two guest collections, the first with three files."""
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    for name in ("a.h5", "b.h5", "c.h5"):
        file = tmp_path / "from" / name
        file.write_bytes(name.encode() * 1000)
        os.utime(file, (OLD_S, OLD_S))
    ends = [Collection(tmp_path / name, name, kind="GCSv5_guest_collection") for name in ("from", "to")]
    with GlobusService(ends) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def ends(service: GlobusService) -> tuple[Collection, Collection]:
    """Return both collections."""
    source, destination = service.collections.values()
    return source, destination


@pytest.fixture
def client(service: GlobusService) -> Iterator[globus_sdk.TransferClient]:
    """Return the SDK's client."""
    with client_of(service) as client:
        client.retry_config.max_retries = 0
        yield client


def status(client: globus_sdk.TransferClient, task_id: str) -> str:
    """Return a task's status."""
    return str(client.get_task(task_id)["status"])


def ended(client: globus_sdk.TransferClient, task_id: str, *, how: str = "SUCCEEDED") -> globus_sdk.GlobusHTTPResponse:
    """Wait for the end of a task and return its document."""
    wait_until(lambda: status(client, task_id) in {"SUCCEEDED", "FAILED"})
    task = client.get_task(task_id)
    assert task["status"] == how, task.data
    return task


def test_a_task_copies_files_whole_with_their_times(
    client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """Folders are made on the way; the document counts, and successful transfers name the files."""
    items = {f"/{name}.h5": f"/x/y/{name}.h5" for name in "abc"}
    task_id = submit(client, *ends, items, preserve_timestamp=True)
    task = ended(client, task_id)
    for name in "abc":
        copy = ends[1].folder / "x" / "y" / f"{name}.h5"
        assert copy.read_bytes() == (ends[0].folder / f"{name}.h5").read_bytes()
        assert copy.stat().st_mtime == OLD_S
    assert (task["files_transferred"], task["bytes_transferred"], task["faults"]) == (3, 12_000, 0)
    moved = {entry["destination_path"] for entry in client.task_successful_transfers(task_id)}
    assert moved == set(items.values())


def test_one_submission_id_is_one_task(
    service: GlobusService, client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """However often it is posted, and though the first answer is lost."""
    service.faults.append(LostAnswer("POST /transfer"))
    data = globus_sdk.TransferData(ends[0].id, ends[1].id, submission_id=client.get_submission_id()["value"])
    data.add_item("/a.h5", "/a.h5")
    with pytest.raises(globus_sdk.NetworkError):
        client.submit_transfer(data)
    answers = [client.submit_transfer(data) for _ in range(2)]
    assert {answer["code"] for answer in answers} == {"Duplicate"}
    assert {answer["task_id"] for answer in answers} == set(service.tasks.all)


def test_three_tasks_run_at_once(
    service: GlobusService, client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """The fourth waits in the queue."""
    slow = Slow(seconds=30)
    service.faults.append(slow)
    tasks = [submit(client, *ends, {"/a.h5": f"/{number}.h5"}) for number in range(4)]
    wait_until(lambda: [client.get_task(task)["nice_status"] for task in tasks] == ["OK", "OK", "OK", "Queued"])
    slow.release()
    for task in tasks:
        ended(client, task)


def test_files_are_written_in_place(
    service: GlobusService, client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """A task that is cancelled in the middle leaves a part under the final name."""
    (ends[0].folder / "big.h5").write_bytes(bytes(1 << 20))
    service.faults.append(Slow(seconds=30))
    task_id = submit(client, *ends, {"/big.h5": "/big.h5"})
    wait_until((ends[1].folder / "big.h5").exists)
    assert client.cancel_task(task_id)["code"] == "Canceled"
    service.faults[-1].release()  # type: ignore[attr-defined]
    task = ended(client, task_id, how="FAILED")
    assert task["subtasks_canceled"] == 1
    assert (ends[1].folder / "big.h5").stat().st_size < 1 << 20
    assert client.cancel_task(task_id)["code"] == "TaskComplete"


@pytest.mark.parametrize(("verify", "faults", "right"), [(True, 1, True), (False, 0, False)])
def test_a_corrupted_file_is_copied_again_only_where_checksums_are_verified(
    service: GlobusService, client: globus_sdk.TransferClient, ends: tuple[Collection, Collection],
    *, verify: bool, faults: int, right: bool,
) -> None:  # fmt: skip
    """Which the SDK leaves off."""
    service.faults.append(Corrupted())
    task = ended(client, submit(client, *ends, {"/a.h5": "/a.h5"}, verify_checksum=verify))
    assert task["faults"] == faults
    same = (ends[1].folder / "a.h5").read_bytes() == (ends[0].folder / "a.h5").read_bytes()
    assert same is right


@pytest.mark.parametrize(("level", "skipped"), [("exists", 3), ("size", 2), ("mtime", 2), ("checksum", 1)])
def test_sync_levels_leave_alone_what_they_take_for_the_same(
    client: globus_sdk.TransferClient, ends: tuple[Collection, Collection], level: str, skipped: int
) -> None:
    """A copy; another content of the same size, younger; another size."""
    theirs, ours = ends[0].folder, ends[1].folder
    (ours / "a.h5").write_bytes((theirs / "a.h5").read_bytes())
    (ours / "b.h5").write_bytes((theirs / "b.h5").read_bytes()[::-1])
    (ours / "c.h5").write_bytes(b"short")
    items = {f"/{name}.h5": f"/{name}.h5" for name in "abc"}
    task_id = submit(client, *ends, items, sync_level=level)
    assert ended(client, task_id)["files_skipped"] == skipped
    assert len(list(client.task_successful_transfers(task_id))) == 3 - skipped


def test_a_file_that_is_missing_is_skipped_or_tried_for_ever(
    client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """A success may hide it; without skip_source_errors the task stays active, with faults."""
    items = {"/a.h5": "/a.h5", "/nowhere.h5": "/nowhere.h5"}
    task_id = submit(client, *ends, items, skip_source_errors=True)
    assert ended(client, task_id)["subtasks_skipped_errors"] == 1
    errors = list(client.task_skipped_errors(task_id))
    assert [(each["source_path"], each["error_code"]) for each in errors] == [("/nowhere.h5", "FILE_NOT_FOUND")]
    task_id = submit(client, *ends, items)
    wait_until(lambda: client.get_task(task_id)["faults"] > 1)
    task = client.get_task(task_id)
    assert (task["status"], task["nice_status"], task["is_ok"]) == ("ACTIVE", "FILE_NOT_FOUND", False)
    events = list(client.task_event_list(task_id))
    assert events[0]["is_error"]
    assert events[-1]["code"] == "STARTED"
    client.cancel_task(task_id)


def test_a_task_can_be_paused_expired_failed_and_forgotten(
    service: GlobusService, client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """As administrators, logins and time do it."""
    slow = Slow(seconds=30)
    service.faults.append(slow)
    task_id = submit(client, *ends, {"/a.h5": "/a.h5", "/b.h5": "/b.h5"})
    task = service.tasks.all[task_id]
    service.tasks.pause(task)
    assert client.get_task(task_id)["is_paused"]
    assert client.task_pause_info(task_id)["source_pause_message"] == "maintenance until noon"
    service.tasks.resume(task)
    service.tasks.expire(task)
    assert (status(client, task_id), client.get_task(task_id)["nice_status"]) == ("INACTIVE", "CREDENTIALS_EXPIRED")
    service.tasks.fail(task, "QUOTA_EXCEEDED", "the quota is used up")
    slow.release()
    document = ended(client, task_id, how="FAILED")
    assert document["fatal_error"] == {"code": "QUOTA_EXCEEDED", "description": "the quota is used up"}
    service.tasks.forget(task)
    assert client.get_task(task_id)["history_deleted"]
    assert list(client.task_successful_transfers(task_id)) == []


def test_a_collection_that_is_not_connected_holds_a_task_up(
    client: globus_sdk.TransferClient, ends: tuple[Collection, Collection]
) -> None:
    """Listing it is an ExternalError; once it is back, the task goes on by itself."""
    ends[1].connected = False
    with pytest.raises(globus_sdk.TransferAPIError) as caught:
        client.operation_ls(ends[1].id)
    assert (caught.value.http_status, caught.value.code) == (502, "ExternalError.DirListingFailed.GCDisconnected")
    task_id = submit(client, *ends, {"/a.h5": "/a.h5"})
    wait_until(lambda: client.get_task(task_id)["nice_status"] == "GC_NOT_CONNECTED")
    ends[1].connected = True
    ended(client, task_id)


def test_an_error_can_be_asked_for(service: GlobusService, client: globus_sdk.TransferClient) -> None:
    """The SDK waits as long as Retry-After says, and asks again."""
    service.faults.append(
        Answered("GET /submission_id", status=429, code="TooManyRequests", headers={"Retry-After": "1"})
    )
    with pytest.raises(globus_sdk.TransferAPIError, match="TooManyRequests"):
        client.get_submission_id()
    assert client.get_submission_id()["value"]


@pytest.mark.parametrize("path", ["/../secret", "relative", "/nowhere", "/a.h5/x"])
def test_nothing_outside_a_collection_is_shown(
    client: globus_sdk.TransferClient, ends: tuple[Collection, Collection], path: str
) -> None:
    """Nor listed, nor looked at."""
    (ends[0].folder.parent / "secret").write_bytes(b"secret")
    for ask in (client.operation_ls, client.operation_stat):
        with pytest.raises(globus_sdk.TransferAPIError) as caught:
            ask(ends[0].id, path)
        assert caught.value.http_status in {403, 404}


def test_a_mapped_collection_wants_its_consent(tmp_path: Path, service: GlobusService) -> None:
    """And says which; high-assurance ones know no such scope."""
    mapped = Collection(tmp_path / "from", "mapped")
    strict = Collection(tmp_path / "from", "strict", high_assurance=True)
    service.collections |= {mapped.id: mapped, strict.id: strict}
    with client_of(service) as client:
        with pytest.raises(globus_sdk.TransferAPIError) as caught:
            client.operation_ls(mapped.id)
        needed = caught.value.info.consent_required.required_scopes
        assert needed == [f"{TRANSFER_ALL}[*{mapped.data_access_scope}]"]
        service.auth.agree(f"{service.url}?client_id={CLIENT_ID}&scope={needed[0]}")
        assert client.operation_ls(mapped.id)["length"] == 3
        assert client.operation_ls(strict.id)["length"] == 3


def test_files_can_be_read_over_http(tmp_path: Path, service: GlobusService) -> None:
    """Whole or a range, with a token of the collection's own; a 404 may pass."""
    it = Collection(tmp_path / "from", "web", kind="GCSv5_guest_collection", https=True)
    service.collections[it.id] = it
    url = f"{service.url}/https/{it.id}/a.h5"
    right = {"Authorization": f"Bearer {service.auth.token(it.https_scope, server=it.id)}"}
    assert requests.get(url, headers=right, timeout=5).content == b"a.h5" * 1000
    part = requests.get(url, headers={**right, "Range": "bytes=4-7"}, timeout=5)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"a.h5", "bytes 4-7/4000")
    wrong = {"Authorization": f"Bearer {service.auth.token()}"}
    assert requests.get(url, headers=wrong, timeout=5).status_code == 401
    service.faults.append(Refused())
    statuses = [requests.get(url, headers=right, timeout=5).status_code for _ in range(2)]
    assert statuses == [404, 200]


def test_tokens_expire_and_are_refreshed_by_the_sdk(service: GlobusService) -> None:
    """A whole native login: link, code, tokens, refresh, revocation."""
    login = globus_sdk.NativeAppAuthClient(CLIENT_ID)
    login.oauth2_start_flow([TRANSFER_ALL, "openid"], refresh_tokens=True)
    tokens = login.oauth2_exchange_code_for_tokens(service.auth.agree(login.oauth2_get_authorize_url()))
    assert tokens.decode_id_token()["sub"] == service.auth.identity
    mine = tokens.by_resource_server["transfer.api.globus.org"]
    service.auth.expire()
    authorizer = globus_sdk.RefreshTokenAuthorizer(
        mine["refresh_token"], login, access_token=mine["access_token"], expires_at=mine["expires_at_seconds"]
    )
    config = RetryConfig(max_retries=1)
    with globus_sdk.TransferClient(authorizer=authorizer, retry_config=config) as client:
        assert client.get_submission_id()["value"]
    login.oauth2_revoke_token(mine["refresh_token"])
    with pytest.raises(globus_sdk.AuthAPIError, match="invalid_grant"):
        login.oauth2_refresh_token(mine["refresh_token"])
    login.close()


def test_the_service_ends_with_its_threads(tmp_path: Path) -> None:
    """Though a task is under way."""
    before = set(threading.enumerate())
    ends = [Collection(tmp_path, name, kind="GCSv5_guest_collection") for name in ("from", "to")]
    with GlobusService(ends):
        pass
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "globus"]
