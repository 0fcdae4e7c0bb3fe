"""The REST API under `/api/v1`: sessions, requests, votes and the ledger, for programs."""
