"""One storage for each protocol, over the statements of `metacore.postgres.statements`."""
