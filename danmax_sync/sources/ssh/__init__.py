"""An authenticated SSH connection that opens SFTP channels: through the system's ``ssh``, or through paramiko.

One login carries every channel, because each login at the facility costs a one-time code.
"""

from danmax_sync.sources.ssh.address import SshAddress as SshAddress
from danmax_sync.sources.ssh.carrier import Call as Call
from danmax_sync.sources.ssh.carrier import Carrier as Carrier
from danmax_sync.sources.ssh.carrier import NoRoomError as NoRoomError
from danmax_sync.sources.ssh.carrier import connect as connect
from danmax_sync.sources.ssh.carrier import dial as dial
from danmax_sync.sources.ssh.carrier import end_login as end_login
from danmax_sync.sources.ssh.carrier import keep_login as keep_login
from danmax_sync.sources.ssh.prompts import NoTerminal as NoTerminal
from danmax_sync.sources.ssh.prompts import Prompt as Prompt
from danmax_sync.sources.ssh.prompts import Prompter as Prompter
from danmax_sync.sources.ssh.prompts import TerminalPrompter as TerminalPrompter

__all__ = [
    "Call",
    "Carrier",
    "NoRoomError",
    "NoTerminal",
    "Prompt",
    "Prompter",
    "SshAddress",
    "TerminalPrompter",
    "connect",
    "dial",
    "end_login",
    "keep_login",
]
