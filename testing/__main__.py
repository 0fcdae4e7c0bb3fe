"""`python -m countersign.testing MODULE:NAME`: a ModelScript as a program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from countersign.sandbox._serve import run_alone
from countersign.sandbox.openai.server import API_KEY
from countersign.testing.script import ScriptError, load_script

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.testing", description=__doc__)
    parser.add_argument("script", help="the script, e.g. refunds.model:script")
    parser.add_argument("--folder", type=Path, default=Path(), help="where its module is")
    parser.add_argument("--api-key", default=API_KEY, help="what clients must send")
    given = parser.parse_known_args()[0]
    try:
        script = load_script(given.script, given.folder.absolute())
    except ScriptError as error:
        sys.exit(f"{parser.prog}: {error}")
    run_alone(
        parser,
        lambda options: script.serve(host=options.host, port=options.port, api_key=options.api_key),
        default_port=8801,
    )
