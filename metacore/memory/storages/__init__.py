"""One storage for each protocol, over the tables of `metacore.memory.schema`."""
