"""`python -m countersign.sandbox.pagerduty`: the account as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.pagerduty.server import PagerDutyServer

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.pagerduty", description=__doc__)
    run_alone(
        parser,
        lambda given: PagerDutyServer.start(host=given.host, port=given.port),
        default_port=8815,
    )
