"""The domain: requests, votes, decisions and the ledger. Knows no HTTP, no Teams, no AutoGen."""
