"""ServiceNow: approvals of a change (or any other task) are the decision."""
