"""`python -m countersign.sandbox.hubspot`: the API as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.hubspot.server import HubSpot

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.hubspot", description=__doc__)
    parser.add_argument(
        "--db",
        type=Path,
        default=default_path("hubspot.db"),
        help="SQLite file (default %(default)s)",
    )
    run_alone(
        parser,
        lambda given: HubSpot.start(db_path=given.db, host=given.host, port=given.port),
        default_port=8809,
    )
