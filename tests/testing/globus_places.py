"""The real SDK, pointed at the simulated Globus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import globus_sdk

from danmax_sync.testing.globus import Collection, GlobusService


@contextmanager
def client_of(service: GlobusService) -> Iterator[globus_sdk.TransferClient]:
    """Return a client with a token; the environment names the service."""
    authorizer = globus_sdk.AccessTokenAuthorizer(service.auth.token())
    with globus_sdk.TransferClient(authorizer=authorizer) as client:
        yield client


def submit(
    client: globus_sdk.TransferClient,
    source: Collection,
    destination: Collection,
    items: Mapping[str, str],
    **options: Any,
) -> str:
    """Submit a transfer and return its task's id."""
    data = globus_sdk.TransferData(source.id, destination.id, **options)
    for here, there in items.items():
        data.add_item(here, there)
    return str(client.submit_transfer(data)["task_id"])
