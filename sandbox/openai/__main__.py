"""`python -m countersign.sandbox.openai`: the scripted model as a program."""

import argparse

from countersign.sandbox._serve import run_alone
from countersign.sandbox.openai.server import API_KEY, ScriptedModel

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.openai", description=__doc__)
    parser.add_argument(
        "--api-key", default=API_KEY, help="the key clients must send (default %(default)s)"
    )
    run_alone(
        parser,
        lambda given: ScriptedModel.start(api_key=given.api_key, host=given.host, port=given.port),
        default_port=8801,
    )
