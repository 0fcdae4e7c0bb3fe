"""`python -m countersign.sandbox.crm`: the CRM as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.crm.server import API_KEY, Crm

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.crm", description=__doc__)
    parser.add_argument(
        "--db", type=Path, default=default_path("crm.db"), help="SQLite file (default %(default)s)"
    )
    parser.add_argument(
        "--api-key", default=API_KEY, help="what X-Api-Key must be (default %(default)s)"
    )
    run_alone(
        parser,
        lambda given: Crm.start(
            db_path=given.db, api_key=given.api_key, host=given.host, port=given.port
        ),
        default_port=8802,
    )
