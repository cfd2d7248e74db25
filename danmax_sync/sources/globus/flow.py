"""The SDK's login on a command line, with our own questions."""

from typing import Self

from globus_sdk import AuthLoginClient, GlobusAppConfig, OAuthTokenResponse
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.login_flows import LoginFlowManager

from danmax_sync.errors import LoginError
from danmax_sync.sources.ssh.prompts import NoTerminal, Prompt, Prompter

_HOW = "danmax-sync login NAME, in a terminal; or a client secret: DANMAX_SYNC_GLOBUS_CLIENT_SECRET"
TITLE = "Log in at Globus"
AGAIN = "Once more: only now is it known what this collection wants you to allow. "
INSTRUCTIONS = "Open this link in a browser, log in with the account the facility knows, and paste the code it shows:"


class PromptedLogin(LoginFlowManager):
    """Shows the link and asks for the code; `prompted_by` says whom."""

    prompter: Prompter | None = None
    _asked = 0

    @classmethod
    def for_globus_app(cls, app_name: str, login_client: AuthLoginClient, config: GlobusAppConfig) -> Self:
        """Make one; the SDK calls this. The consent is called by the tool's name on Globus's page."""
        lasting = config.request_refresh_tokens
        return cls(login_client, request_refresh_tokens=lasting, native_prefill_named_grant=app_name)

    def run_login_flow(self, auth_parameters: GlobusAuthorizationParameters) -> OAuthTokenResponse:
        """Log in.

        Raises
        ------
        LoginError
            If nobody is there to answer.
        """
        if self.prompter is None or isinstance(self.prompter, NoTerminal):
            raise LoginError("nobody is there to log in at Globus: there is no terminal to answer in", hint=_HOW)
        url = self._get_authorize_url(auth_parameters, f"{self.login_client.base_url}v2/web/auth-code")
        again = AGAIN if self._asked else ""
        self._asked += 1
        [code] = self.prompter.ask(TITLE, f"{again}{INSTRUCTIONS}\n\n{url}\n", [Prompt("Code: ", echo=True)])
        return self.login_client.oauth2_exchange_code_for_tokens(code.strip())


def prompted_by(who: Prompter | None) -> type[PromptedLogin]:
    """Return a login whose questions somebody in particular answers."""

    class Asking(PromptedLogin):
        prompter = who

    return Asking
