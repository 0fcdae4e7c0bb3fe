"""Systems in which people decide by answering a ticket.

`ticket_channel` shows requests as tickets, `reconciler` reads them, `ticket_votes` turns what was
read into votes. Each system has a package of its own behind `approvals.ports.TicketConnector`.
"""
