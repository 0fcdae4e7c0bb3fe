"""What of the ledger leaves the server: checkpoints that others sign or keep."""
