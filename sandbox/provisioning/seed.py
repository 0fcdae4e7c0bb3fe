"""What a fresh provisioning system offers, how much room there is, and what runs already."""

from __future__ import annotations

import sqlite3

# kind, title, unit, EUR per unit and month, the usual size, what one team may have in all
OFFERS = [
    ("database", "PostgreSQL database", "GB", 0.25, 50, 1000),
    ("virtual_machine", "Virtual machine", "vCPU", 22.0, 2, 64),
    ("gpu_node", "GPU node for training", "GPU", 940.0, 1, 4),
    ("laptop", "Laptop with docking station", "piece", 58.0, 1, 5),
]

# kind, region, units in all; one region of the databases and the only one for GPUs are full
CAPACITY = [
    ("database", "eu-central", 2000),
    ("database", "eu-north", 5000),
    ("database", "eu-west", 100),
    ("database", "us-east", 10000),
    ("virtual_machine", "eu-central", 256),
    ("virtual_machine", "eu-north", 512),
    ("virtual_machine", "us-east", 1024),
    ("gpu_node", "eu-central", 2),
    ("laptop", "berlin", 2),
    ("laptop", "lisbon", 8),
]

# name, kind, environment, size, unit, region, owner team, EUR per month
RESOURCES = [
    ("web-tier", "network", "production", 1, "net", "eu-central", "web", 0.0),
    ("app-tier", "network", "production", 1, "net", "eu-central", "platform", 0.0),
    ("edge-gateway", "network", "production", 1, "net", "eu-central", "platform", 0.0),
    ("vpn-gateway", "network", "production", 1, "net", "eu-central", "it", 0.0),
    ("billing-db", "database", "production", 400, "GB", "eu-central", "billing", 100.0),
    ("billing-dev-db", "database", "dev", 50, "GB", "eu-central", "billing", 12.5),
    ("search-stg-vm", "virtual_machine", "staging", 8, "vCPU", "eu-north", "search", 176.0),
    ("research-prd-gpu", "gpu_node", "production", 2, "GPU", "eu-central", "research", 1880.0),
]

_FOUNDED = "2026-01-12T09:00:00+00:00"


def seed(connection: sqlite3.Connection) -> None:
    """Fill an empty database; one that has offers is left alone."""
    if connection.execute("SELECT 1 FROM offers").fetchone():
        return
    with connection:
        connection.executemany("INSERT INTO offers VALUES (?,?,?,?,?,?)", OFFERS)
        connection.executemany("INSERT INTO capacity VALUES (?,?,?)", CAPACITY)
        connection.executemany(
            "INSERT INTO resources (name, kind, environment, size, unit, region, owner_team, "
            "monthly_cost_eur, status, window, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            [(*row, "active", "now", _FOUNDED) for row in RESOURCES],
        )
