import pytest

from metacore.testing import plugin


def pytest_configure(config: pytest.Config) -> None:
    """An installed metacore brings its plugin by itself; a checkout does not."""
    if not config.pluginmanager.has_plugin("metacore"):
        config.pluginmanager.register(plugin, "metacore")
