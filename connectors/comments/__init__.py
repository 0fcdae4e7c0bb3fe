"""What people write beside an answer in a ticket, and what it may ask for."""
