"""The contract over dictionaries: for unit tests."""
