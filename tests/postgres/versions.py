"""Which servers a test runs on, if not on all."""

import pytest

newest = pytest.mark.parametrize("server", [18], indirect=True)
"""What is tried is ours, and nothing of it rests on the server's version."""
