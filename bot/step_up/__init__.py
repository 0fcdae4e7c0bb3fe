"""Step-up: a fresh proof that a person is there, besides their vote."""
