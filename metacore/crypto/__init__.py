"""Encryption of credentials at rest: the key ring, and what is sealed with it.

`cryptography`, from the extra `metacore[crypto]`, is imported when the first key is used.
"""
