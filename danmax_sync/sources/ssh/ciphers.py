"""Prefer a cipher that the processor does itself: OpenSSH's first choice, chacha20, takes twice as long."""

from danmax_sync.sources.ssh.address import SshAddress
from danmax_sync.sources.ssh.in_force import in_force

FAST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


def preferred(address: SshAddress) -> str:
    """Return the ciphers that the user's ssh_config allows, the fast ones first; empty where that cannot be told."""
    allowed = in_force(address).get("ciphers", "")
    return ",".join(sorted(allowed.split(","), key=lambda cipher: cipher not in FAST))
