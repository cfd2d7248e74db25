"""A Globus of one's own: Transfer, Auth and HTTPS access on loopback, with tasks that really move files.

The real ``globus_sdk`` runs against it unchanged:

>>> with GlobusService([Collection(Path("facility"), "DanMAX")]) as service:
...     os.environ.update(service.environment)
...     globus_sdk.TransferClient(authorizer=AccessTokenAuthorizer(service.auth.token()))

Faults are given to the service, or made with its methods: `GlobusService.faults`, `Collection.connected`,
`TransferTasks.pause`…
"""

from danmax_sync.testing.globus.collections import Collection as Collection
from danmax_sync.testing.globus.faults import Answer as Answer
from danmax_sync.testing.globus.faults import Answered as Answered
from danmax_sync.testing.globus.faults import Corrupted as Corrupted
from danmax_sync.testing.globus.faults import Fault as Fault
from danmax_sync.testing.globus.faults import LostAnswer as LostAnswer
from danmax_sync.testing.globus.faults import Refused as Refused
from danmax_sync.testing.globus.faults import Slow as Slow
from danmax_sync.testing.globus.server import GlobusService as GlobusService
