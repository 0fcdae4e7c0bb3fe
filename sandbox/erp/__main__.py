"""`python -m countersign.sandbox.erp`: the ERP as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.erp.server import Erp

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.erp", description=__doc__)
    parser.add_argument(
        "--db", type=Path, default=default_path("erp.db"), help="SQLite file (default %(default)s)"
    )
    run_alone(
        parser,
        lambda given: Erp.start(db_path=given.db, host=given.host, port=given.port),
        default_port=8823,
    )
