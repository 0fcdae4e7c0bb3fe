"""`python -m countersign.sandbox.mailbox`: the mail server as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.mailbox.server import Mailbox

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.mailbox", description=__doc__)
    parser.add_argument(
        "--db",
        type=Path,
        default=default_path("mailbox.db"),
        help="SQLite file (default %(default)s)",
    )
    parser.add_argument(
        "--smtp-port", type=int, default=8825, help="0 takes a free one (default %(default)s)"
    )
    parser.add_argument(
        "--imap-port", type=int, default=0, help="0 takes a free one (default %(default)s)"
    )
    parser.add_argument(
        "--tls",
        choices=("none", "starttls", "implicit"),
        default="none",
        help="with a certificate of its own; senders sign in (default %(default)s)",
    )
    run_alone(
        parser,
        lambda given: Mailbox.start(
            db_path=given.db,
            host=given.host,
            port=given.port,
            smtp_port=given.smtp_port,
            imap_port=given.imap_port,
            tls=given.tls,
        ),
        default_port=8803,
    )
