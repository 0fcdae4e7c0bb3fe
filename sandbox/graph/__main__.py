"""`python -m countersign.sandbox.graph`: the directory as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.graph.server import GraphServer

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.graph", description=__doc__)
    run_alone(
        parser, lambda given: GraphServer.start(host=given.host, port=given.port), default_port=8818
    )
