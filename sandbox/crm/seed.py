"""The customers a fresh CRM knows."""

from __future__ import annotations

import sqlite3

# id, name, tier, country, currency, list price per seat and year, standard discount, contact
CUSTOMERS = [
    (
        "CUST-1001",
        "Contoso Ltd",
        "gold",
        "DE",
        "EUR",
        1140.0,
        12.0,
        "Ana Ruiz",
        "ana.ruiz@contoso.example",
    ),
    (
        "CUST-1002",
        "Fabrikam Inc",
        "standard",
        "US",
        "USD",
        1260.0,
        5.0,
        "Robert Chen",
        "robert.chen@fabrikam.example",
    ),
    (
        "CUST-1003",
        "Northwind Traders",
        "silver",
        "GB",
        "GBP",
        980.0,
        8.0,
        "Priya Nair",
        "priya@northwind.example",
    ),
    (
        "CUST-1004",
        "Adventure Works",
        "strategic",
        "US",
        "USD",
        1260.0,
        18.0,
        "Dana Whitfield",
        "dana@aw.example",
    ),
    (
        "CUST-1005",
        "Tailspin Toys",
        "standard",
        "CA",
        "CAD",
        1690.0,
        5.0,
        "Luc Tremblay",
        "luc@tailspin.example",
    ),
    (
        "CUST-1006",
        "Wide World Importers",
        "silver",
        "NL",
        "EUR",
        1140.0,
        8.0,
        "Jonas Weber",
        "jonas@wwi.example",
    ),
]

# id, customer, name, seats, stage, amount, close date
OPPORTUNITIES = [
    (
        "OPP-2041",
        "CUST-1001",
        "Insight Platform, new plant in Leipzig",
        25,
        "qualification",
        28500.0,
        "2026-12-18",
    ),
    ("OPP-2042", "CUST-1002", "Insight Platform, renewal", 60, "proposal", 75600.0, "2027-01-29"),
    (
        "OPP-2043",
        "CUST-1003",
        "Insight Platform, pilot",
        14,
        "qualification",
        13720.0,
        "2026-12-04",
    ),
    (
        "OPP-2044",
        "CUST-1004",
        "Insight Platform, all regions",
        220,
        "negotiation",
        277200.0,
        "2027-03-31",
    ),
    ("OPP-2045", "CUST-1005", "Insight Platform, stores", 40, "prospecting", 67600.0, "2027-02-26"),
    (
        "OPP-2046",
        "CUST-1006",
        "Insight Platform, warehouses",
        32,
        "proposal",
        36480.0,
        "2026-12-11",
    ),
    ("OPP-2047", "CUST-1006", "Training days", 0, "qualification", 5400.0, "2027-01-15"),
]


def seed(connection: sqlite3.Connection) -> None:
    """Fill an empty database; one that has customers is left alone."""
    if connection.execute("SELECT 1 FROM customers").fetchone():
        return
    with connection:
        connection.executemany("INSERT INTO customers VALUES (?,?,?,?,?,?,?,?,?)", CUSTOMERS)
        connection.executemany("INSERT INTO opportunities VALUES (?,?,?,?,?,?,?)", OPPORTUNITIES)
