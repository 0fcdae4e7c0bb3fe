"""`python -m countersign.sandbox.clm`: the CLM as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.clm.server import Clm

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.clm", description=__doc__)
    parser.add_argument(
        "--db", type=Path, default=default_path("clm.db"), help="SQLite file (default %(default)s)"
    )
    run_alone(
        parser,
        lambda given: Clm.start(db_path=given.db, host=given.host, port=given.port),
        default_port=8821,
    )
