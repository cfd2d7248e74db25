"""Collections of Globus as sources: login, listing, small files; `transfer` moves the big ones as tasks.

Nothing here loads ``globus_sdk`` before it is used.
"""

from danmax_sync.sources.globus.login import login as login
from danmax_sync.sources.globus.login import logout as logout
