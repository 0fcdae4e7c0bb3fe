"""Working fakes of the ports, shared by all tests."""
