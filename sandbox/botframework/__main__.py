"""`python -m countersign.sandbox.botframework`: the connector and people of a tenant."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.botframework.server import BotFramework

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.botframework", description=__doc__)
    parser.add_argument(
        "--bot", help="where the bot takes activities, e.g. http://127.0.0.1:3978/api/messages"
    )
    parser.add_argument(
        "--app-id", default="", help="the bot's app id: activities then carry signed tokens"
    )
    parser.add_argument(
        "--channel", default="msteams", help="channelId of the activities (default %(default)s)"
    )
    run_alone(
        parser,
        lambda given: BotFramework.start(
            bot_url=given.bot,
            app_id=given.app_id,
            channel_id=given.channel,
            host=given.host,
            port=given.port,
        ),
        default_port=8817,
    )
