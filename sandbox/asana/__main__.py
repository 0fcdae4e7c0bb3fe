"""`python -m countersign.sandbox.asana`: the workspace as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.asana.server import Asana

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.asana", description=__doc__)
    parser.add_argument("--hook-url", default="", help="where webhooks go")
    run_alone(
        parser,
        lambda given: Asana.start(hook_url=given.hook_url, host=given.host, port=given.port),
        default_port=8812,
    )
