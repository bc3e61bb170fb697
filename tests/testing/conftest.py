"""What tests of tests share."""

import pytest

# Loaded here: what only a test's own tests have loaded goes with them, and what stays would not know it again.
import metacore.memory.storages.storage
import metacore.postgres.storages.storage
import metacore.sync.memory.storages.storage
import metacore.sync.postgres.storages.storage  # noqa: F401


@pytest.fixture
def loads_the_plugin(pytester: pytest.Pytester) -> None:
    """Tests that a test runs load the plugin as those around them do, installed or not."""
    pytester.makeconftest(
        """
        from metacore.testing import plugin


        def pytest_configure(config):
            if not config.pluginmanager.has_plugin("metacore"):
                config.pluginmanager.register(plugin, "metacore")
        """
    )
