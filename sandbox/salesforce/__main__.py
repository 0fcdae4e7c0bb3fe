"""`python -m countersign.sandbox.salesforce`: the org as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.salesforce.server import Salesforce

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.salesforce", description=__doc__)
    parser.add_argument(
        "--db",
        type=Path,
        default=default_path("salesforce.db"),
        help="SQLite file (default %(default)s)",
    )
    run_alone(
        parser,
        lambda given: Salesforce.start(db_path=given.db, host=given.host, port=given.port),
        default_port=8807,
    )
