"""`python -m countersign.sandbox.jira`: Jira as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.webhooks import SECRET

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.jira", description=__doc__)
    parser.add_argument(
        "--db", type=Path, default=default_path("jira.db"), help="SQLite file (default %(default)s)"
    )
    parser.add_argument(
        "--deployment",
        choices=("Cloud", "Server"),
        default="Cloud",
        help="Server is Data Center (default %(default)s)",
    )
    parser.add_argument("--webhook-url", help="where to send events")
    parser.add_argument(
        "--webhook-secret",
        default=SECRET,
        help="what they are signed with, empty for unsigned ones (default %(default)s)",
    )
    run_alone(
        parser,
        lambda given: Jira.start(
            db_path=given.db,
            deployment=given.deployment,
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret or None,
            host=given.host,
            port=given.port,
        ),
        default_port=8804,
    )
