"""`python -m countersign.sandbox.slack`: the workspace as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.slack.server import Slack

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.slack", description=__doc__)
    parser.add_argument("--hook-url", default="", help="where the app takes interactions")
    parser.add_argument("--enterprise", default="", help="the id of an Enterprise Grid")
    run_alone(
        parser,
        lambda given: Slack.start(
            hook_url=given.hook_url, enterprise=given.enterprise, host=given.host, port=given.port
        ),
        default_port=8816,
    )
