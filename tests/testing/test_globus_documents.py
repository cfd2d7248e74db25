"""The simulated Globus says what the SDK's own testing data says, field by field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
from globus_sdk.testing import get_response_set

from danmax_sync.testing.globus import Collection, GlobusService
from danmax_sync.testing.globus.faults import wait_until
from tests.testing.globus_places import client_of, submit


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GlobusService]:
    """Serve two guest collections."""
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from" / "a.h5").write_bytes(b"content")
    ends = [Collection(tmp_path / name, name, kind="GCSv5_guest_collection") for name in ("from", "to")]
    with GlobusService(ends) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


def expected(name: str, case: str = "default") -> dict[str, Any]:
    """Return a document of the SDK's testing data."""
    response: Any = get_response_set(name).lookup(case)
    document = response.json
    assert isinstance(document, dict)
    return document


def check_shape(ours: Any, theirs: Any, where: str) -> None:
    """Check that every field of theirs is in ours, of the same kind; what is null in one says nothing."""
    if ours is None or theirs is None:
        return
    if isinstance(theirs, dict):
        assert not (theirs.keys() - ours.keys()), f"{where} lacks fields"
        for key, value in theirs.items():
            check_shape(ours[key], value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        for mine in ours:
            for other in theirs[:1]:
                check_shape(mine, other, f"{where}[]")
    else:
        assert type(ours) is type(theirs), f"{where}: {ours!r} and {theirs!r}"


def test_documents_have_the_fields_of_the_sdks_testing_data(service: GlobusService) -> None:
    """Of tasks, submissions, collections, files, operations and errors."""
    source, destination = service.collections.values()
    with client_of(service) as client:
        task_id = submit(client, source, destination, {"/a.h5": "/b.h5"})
        wait_until(lambda: client.get_task(task_id)["status"] == "SUCCEEDED")
        client.operation_mkdir(destination.id, "/new")
        answers: dict[str, dict[str, Any]] = {
            "transfer.task_list": client.task_list().data,
            "transfer.get_endpoint": client.get_endpoint(source.id).data,
            "transfer.get_submission_id": client.get_submission_id().data,
            "transfer.operation_stat": client.operation_stat(source.id, "/a.h5").data,
            "transfer.operation_mkdir": client.operation_mkdir(destination.id, "/newer").data,
            "transfer.operation_rename": client.operation_rename(destination.id, "/new", "/old").data,
            "transfer.cancel_task": client.cancel_task(task_id).data,
            "transfer.endpoint_manager_task_successful_transfers": client.task_successful_transfers(task_id).data,
        }
        for name, ours in answers.items():
            check_shape(ours, expected(name), name)
        one_entry = expected("transfer.task_list")["DATA"][0]
        assert client.task_list().data["DATA"][0].keys() == one_entry.keys()
        assert client.get_task(task_id).data.keys() == {*one_entry, "DATA_TYPE"}


def test_a_submission_answers_as_the_sdk_knows_it(service: GlobusService) -> None:
    """A refused one too."""
    source, destination = service.collections.values()
    with client_of(service) as client:
        data = globus_sdk.TransferData(source.id, destination.id)
        data.add_item("/a.h5", "/c.h5")
        check_shape(client.submit_transfer(data).data, expected("transfer.submit_transfer"), "submit_transfer")
        with pytest.raises(globus_sdk.TransferAPIError) as caught:
            client.submit_transfer(globus_sdk.TransferData(source.id, destination.id))
        assert caught.value.raw_json is not None
        failure = expected("transfer.submit_transfer", "failure")
        check_shape(caught.value.raw_json, failure, "failure")
        assert caught.value.code == failure["code"]
        with pytest.raises(globus_sdk.TransferAPIError) as caught:
            client.operation_stat(source.id, "/nowhere")
        not_found = expected("transfer.operation_stat", "not_found")
        check_shape(caught.value.raw_json, not_found, "not_found")
        assert (caught.value.code, caught.value.http_status) == (not_found["code"], 404)


def test_tokens_and_consents_have_the_fields_of_the_sdks_testing_data(service: GlobusService) -> None:
    """So that the SDK's own storage and validation take them."""
    service.auth.agree(
        f"{service.url}/v2/oauth2/authorize?client_id=x&scope=openid+urn:globus:auth:scope:transfer.api.globus.org:all"
    )
    consents = {"consents": service.auth.consent_documents()}
    check_shape(consents, expected("auth.get_consents"), "consents")
    form = {"grant_type": "client_credentials", "scope": "urn:globus:auth:scope:transfer.api.globus.org:all"}
    tokens = service.auth.exchange(form)
    check_shape(tokens, expected("auth.oauth2_client_credentials_tokens"), "tokens")
    revoked = service.auth.revoke({"token": tokens["access_token"]})
    assert revoked == expected("auth.oauth2_revoke_token")
