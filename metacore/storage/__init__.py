"""The contract: one protocol for each storage. Every sentence of their docstrings is tested on every backend."""
