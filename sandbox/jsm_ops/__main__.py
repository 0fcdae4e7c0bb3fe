"""`python -m countersign.sandbox.jsm_ops`: the site as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.jsm_ops.server import JsmOpsServer

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.jsm_ops", description=__doc__)
    run_alone(
        parser,
        lambda given: JsmOpsServer.start(host=given.host, port=given.port),
        default_port=8813,
    )
