"""Systems in which people decide by answering a ticket.

`channel` shows requests as tickets, `reconciler` reads them, `settling` turns what was read into
votes. Each system has a package of its own behind `approvals.ports.TicketConnector`.
"""
