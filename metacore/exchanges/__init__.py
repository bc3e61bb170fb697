"""Payloads of the outside world, turned into domain models: pure, without I/O."""
