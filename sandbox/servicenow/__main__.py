"""`python -m countersign.sandbox.servicenow`: the instance as a program."""

import argparse
from pathlib import Path

from countersign.sandbox._files import default_path
from countersign.sandbox._serve import run_alone
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.server import WEBHOOK_SECRET, ServiceNow

if __name__ == "__main__":
    parser = argparse.ArgumentParser("countersign.sandbox.servicenow", description=__doc__)
    parser.add_argument(
        "--db",
        type=Path,
        default=default_path("servicenow.db"),
        help="SQLite file (default %(default)s)",
    )
    parser.add_argument("--rule-url", help="where the business rule posts changes of approvals")
    parser.add_argument(
        "--rule-secret", default=WEBHOOK_SECRET, help="what it signs with (default %(default)s)"
    )
    parser.add_argument(
        "--auto-approvals",
        metavar="GROUP",
        help='ask this group when a change goes to Assess, such as "CAB Approval"',
    )
    parser.add_argument(
        "--everyone", action="store_true", help="all approvers must approve, not any one of them"
    )
    run_alone(
        parser,
        lambda given: ServiceNow.start(
            db_path=given.db,
            host=given.host,
            port=given.port,
            rule_url=given.rule_url,
            rule_secret=given.rule_secret,
            options=Options(
                auto_approvals=given.auto_approvals,
                approval_rule="everyone" if given.everyone else "any",
            ),
        ),
        default_port=8805,
    )
