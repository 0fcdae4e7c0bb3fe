"""`python -m countersign.sandbox.oidc`: the issuer as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.oidc.server import OidcServer

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.oidc", description=__doc__)
    run_alone(
        parser, lambda given: OidcServer.start(host=given.host, port=given.port), default_port=8814
    )
