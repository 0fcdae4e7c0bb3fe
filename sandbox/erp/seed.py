"""The books that a fresh ERP has. Amounts are in cents; income is negative, as in a ledger."""

from __future__ import annotations

import sqlite3

PREVIOUS, PERIOD = "2026-09", "2026-10"

# code, name
ACCOUNTS = [
    ("4000", "Subscriptions"),
    ("5000", "Hosting"),
    ("6000", "Salaries"),
    ("6200", "Travel"),
    ("6300", "Software"),
    ("6500", "Consulting"),
]

# account, budget of each month
BUDGET = [
    ("4000", -41_200_000),
    ("5000", 6_100_000),
    ("6000", 22_400_000),
    ("6200", 900_000),
    ("6300", 1_250_000),
    ("6500", 1_500_000),
]

# period, account, amount, text (some of it written by suppliers), posted by
JOURNAL = [
    (PREVIOUS, "4000", -40_950_000, "Invoices of September", "billing"),
    (PREVIOUS, "5000", 6_020_000, "Hosting September", "ap"),
    (PREVIOUS, "6000", 22_400_000, "Payroll September", "payroll"),
    (PREVIOUS, "6200", 845_000, "Travel cards September", "ap"),
    (PREVIOUS, "6300", 1_248_000, "Licences September", "ap"),
    (PREVIOUS, "6500", 1_320_000, "Audit preparation", "ap"),
    (PERIOD, "4000", -43_870_000, "Invoices of October", "billing"),
    (PERIOD, "4000", 410_000, "Credit note Fabrikam, order 7713", "billing"),
    (PERIOD, "5000", 6_290_000, "Hosting October", "ap"),
    (PERIOD, "6000", 22_400_000, "Payroll October", "payroll"),
    (PERIOD, "6200", 912_000, "Travel cards October", "ap"),
    (PERIOD, "6200", 1_186_500, "Customer conference Lisbon, 14 people", "ap"),
    (PERIOD, "6300", 1_254_000, "Licences October", "ap"),
    (
        PERIOD,
        "6500",
        2_975_000,
        '=HYPERLINK("http://payments.example/4711","Zażółć Consulting, invoice 4711")',
        "ap",
    ),
]

RECIPIENTS = ["board@contoso.example", "cfo@contoso.example"]


def seed(connection: sqlite3.Connection) -> None:
    """Fill an empty database; one that has accounts is left alone."""
    if connection.execute("SELECT 1 FROM accounts").fetchone():
        return
    with connection:
        connection.executemany("INSERT INTO accounts VALUES (?,?)", ACCOUNTS)
        for period in (PREVIOUS, PERIOD):
            rows = [(period, *row) for row in BUDGET]
            connection.executemany("INSERT INTO budgets VALUES (?,?,?)", rows)
        connection.executemany(
            "INSERT INTO journal (period, account, amount_cents, text, posted_by) "
            "VALUES (?,?,?,?,?)",
            JOURNAL,
        )
        rows_of_people = [(address,) for address in RECIPIENTS]
        connection.executemany("INSERT INTO recipients VALUES (?)", rows_of_people)
