"""Reaches the server: connections, the pool, sessions, statements over the wire, and what its errors mean."""
