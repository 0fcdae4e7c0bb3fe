"""Stand-ins for the systems around Countersign: real protocols, real state, no accounts.

Each one runs alone (`python -m countersign.sandbox.crm --port 8802`) and prints one JSON line when
it is ready, or in process (`async with Crm.start() as crm`). Nothing but the demo and the tests
imports this package.
"""
