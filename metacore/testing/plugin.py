"""The pytest plugin: what it imports, every pytest run imports."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("metacore.testing.contract")
