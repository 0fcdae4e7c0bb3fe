"""`countersign serve` where Microsoft cannot be asked for the bot's own token: it is made up.

What comes in is verified in full, signature included.
"""

from __future__ import annotations

from botframework.connector.auth.microsoft_app_credentials import MicrosoftAppCredentials

from countersign.bot.cli import main


def _token(_: MicrosoftAppCredentials, force_refresh: bool = False) -> str:
    return "a token for the stand-in"


if __name__ == "__main__":
    MicrosoftAppCredentials.get_access_token = _token
    main.main()
