"""What policy says of a call, who may decide, and what may follow. Pure: no rows, no clock."""
