"""What tests of tests share."""

import pytest


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
