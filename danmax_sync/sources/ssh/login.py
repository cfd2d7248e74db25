"""Proving who we are on paramiko's transport: keys first, then what the server asks, in as many rounds as it likes.

::

    none ─▶ which ways? ─▶ publickey… ─┬─▶ accepted
                                       ├─▶ partly accepted: which ways are left? ─▶ next way ─▶ …
                                       └─▶ rejected: next key; or, for a password or code, the end

A rejected password or code is never sent again: servers penalise failed logins by address.
"""

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from danmax_sync.errors import DanmaxSyncError, LoginError
from danmax_sync.sources.ssh.alias import Target
from danmax_sync.sources.ssh.complaints import CHECK_ACCOUNT, NOT_ACCEPTED
from danmax_sync.sources.ssh.prompts import Prompt, Prompter, printable

if TYPE_CHECKING:
    import paramiko

_MOST_KEYS = 4
"""Servers hang up after six attempts (MaxAuthTries); some are left for password and code."""
_MOST_STAGES = 6
_REPLY_S = 30.0
"""How long the server may take to judge a key or password."""
_ANSWER_S = 300.0
"""How long a person may take; servers usually give up after 120 s themselves."""

_Asked = tuple[str, str, list[tuple[str, bool]]] | None


class Login:
    """One login on one transport.

    Parameters
    ----------
    transport : paramiko.Transport
        Connected, the host key checked.
    target : Target
        User and keys.
    prompter : Prompter
        Answers the server, on the thread that calls `run`, where Ctrl-C arrives.
    """

    def __init__(self, transport: "paramiko.Transport", target: Target, prompter: Prompter) -> None:
        self._transport = transport
        self._target = target
        self._prompter = prompter
        self._rounds_with_prompts = 0

    def run(self) -> None:
        """Log in.

        Raises
        ------
        LoginError
            If the server rejects a password or code, or offers no way that we can go.
        """
        self._transport.auth_timeout = _REPLY_S
        ways = self._ask_for_ways()
        for _ in range(_MOST_STAGES):
            if not ways:
                return
            ways = self._next_stage(ways)
        raise self._rejected("it keeps asking for more")

    def _ask_for_ways(self) -> list[str]:
        import paramiko

        try:
            self._transport.auth_none(self._target.user)
        except paramiko.BadAuthenticationType as error:
            return list(error.allowed_types)
        return []

    def _next_stage(self, ways: list[str]) -> list[str]:
        """Go one way; return what the server wants besides, nothing when we are in."""
        if "publickey" in ways:
            left = self._with_keys()
            if left is not None:
                return left
        if "keyboard-interactive" in ways:
            before = self._rounds_with_prompts
            left = self._with_questions()
            if left is not None:
                return left
            # A server may offer it and then have nothing to ask; then, and only then, nothing has been rejected.
            if self._rounds_with_prompts > before:
                raise self._rejected(NOT_ACCEPTED)
        if "password" in ways:
            left = self._with_password()
            if left is None:
                raise self._rejected("it does not accept the password")
            return left
        raise self._rejected(f"it accepts {', '.join(ways)}, and none of our keys")

    def _rejected(self, why: str) -> LoginError:
        return LoginError(f"{self._target} rejected the login: {why}.", hint=CHECK_ACCOUNT)

    def _with_keys(self) -> list[str] | None:
        import paramiko

        agent = paramiko.Agent()
        try:
            for _, key in zip(range(_MOST_KEYS), self._keys(agent), strict=False):
                try:
                    return list(self._transport.auth_publickey(self._target.user, key))
                except paramiko.AuthenticationException:
                    if not self._transport.is_active():
                        raise
        finally:
            agent.close()
        return None

    def _keys(self, agent: "paramiko.Agent") -> Iterator["paramiko.PKey"]:
        import paramiko
        from cryptography.exceptions import UnsupportedAlgorithm

        if not self._target.only_these_keys:
            yield from agent.get_keys()
        for file in self._target.keys:
            try:
                yield paramiko.PKey.from_path(file)
            # Old forms of an encrypted key end in a TypeError.
            except (paramiko.PasswordRequiredException, TypeError):
                yield from self._encrypted(str(file))
            except (OSError, ValueError, UnsupportedAlgorithm, paramiko.SSHException, paramiko.UnknownKeyType):
                continue

    def _encrypted(self, file: str) -> Iterator["paramiko.PKey"]:
        import paramiko

        # The usual keys may be for anything; only one that the ssh_config names is worth asking a passphrase for.
        if not self._target.keys_named:
            return
        (passphrase,) = self._prompter.ask("", "", [Prompt(f"Passphrase of the key {file}: ", echo=False)])
        try:
            yield paramiko.PKey.from_path(file, passphrase.encode())
        except (ValueError, TypeError, paramiko.SSHException):
            raise LoginError(f"The passphrase does not open the key {file}.", hint="Try again.") from None

    def _with_password(self) -> list[str] | None:
        import paramiko

        user, host = self._target.user, self._target.host
        (password,) = self._prompter.ask("", "", [Prompt(f"{user}@{host}'s password: ", echo=False)])
        try:
            return list(self._transport.auth_password(user, password, fallback=False))
        except paramiko.AuthenticationException:
            if not self._transport.is_active():
                raise
            return None
        finally:
            # paramiko keeps it for the life of the connection.
            self._transport.auth_handler.password = None

    def _with_questions(self) -> list[str] | None:
        """Answer as many rounds as the server asks; None when it rejects the answers."""
        conversation = _Conversation(self._transport, self._target.user)
        self._transport.auth_timeout = _ANSWER_S
        conversation.start()
        try:
            while (asked := conversation.next_question()) is not None:
                conversation.answer(self._answers(*asked))
        except BaseException:
            conversation.abandon()
            raise
        finally:
            self._transport.auth_timeout = _REPLY_S
        return conversation.outcome()

    def _answers(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        if not prompts:
            return []
        self._rounds_with_prompts += 1
        shown = [Prompt(printable(text), echo=echo) for text, echo in prompts]
        return self._prompter.ask(printable(title), printable(instructions), shown)


class _Conversation(threading.Thread):
    """Brings the questions from paramiko's thread to the caller's, and the answers back."""

    def __init__(self, transport: "paramiko.Transport", user: str) -> None:
        super().__init__(name="ssh-login", daemon=True)
        self._transport = transport
        self._user = user
        self._questions: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
        self._left: list[str] | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Talk to the server until it has decided."""
        try:
            self._left = list(self._transport.auth_interactive(self._user, self._handle))
        except Exception as error:  # noqa: BLE001 - handed to the caller's thread, where `outcome` raises it
            self._error = error
        finally:
            self._questions.put(None)

    def _handle(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        self._questions.put((title, instructions, prompts))
        answers = self._answers.get()
        if answers is None:
            # Not an OSError: paramiko takes two arguments of those for granted.
            raise EOFError("the login was abandoned")
        return answers

    def next_question(self) -> _Asked:
        """Wait for the server's next round; None when it has decided."""
        while True:
            try:
                # Without a timeout Windows would not let Ctrl-C through.
                return self._questions.get(timeout=0.5)
            except queue.Empty:
                continue

    def answer(self, answers: list[str]) -> None:
        """Hand a round's answers over."""
        self._answers.put(answers)

    def abandon(self) -> None:
        """Stop talking; the transport is of no use after it."""
        self._answers.put(None)
        self._transport.close()
        self.join(5)

    def outcome(self) -> list[str] | None:
        """Return the ways left to go, None for a rejection."""
        import paramiko

        self.join()
        error, self._error = self._error, None
        if error is None:
            return self._left
        if isinstance(error, DanmaxSyncError) or not self._transport.is_active():
            raise error
        if isinstance(error, paramiko.AuthenticationException):
            return None
        raise error
