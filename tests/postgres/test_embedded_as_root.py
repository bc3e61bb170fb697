"""What root takes for a data directory: nothing that another user could have prepared, or could exchange."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from metacore import ConfigurationError
from metacore.postgres import EmbeddedPostgres
from metacore.postgres.embedded.server_user import ServerUser

STRANGER = 12345


def of_a_stranger(path: Path) -> Path:
    path.mkdir()
    os.chown(path, STRANGER, STRANGER)
    return path


def written_by_all(path: Path) -> Path:
    path.mkdir()
    path.chmod(0o777)
    return path


def linked(path: Path) -> Path:
    path.symlink_to(path.parent)
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    return path


WAYS: dict[str, Callable[[Path], Path]] = {
    "a stranger's": of_a_stranger,
    "in a stranger's": lambda path: of_a_stranger(path) / "data",
    "written by all": written_by_all,
    "in one written by all": lambda path: written_by_all(path) / "deep" / "data",
    "a stranger's link": linked,
    "behind a stranger's link": lambda path: linked(path) / "data",
}


if os.geteuid() == 0:

    @pytest.mark.parametrize("way", WAYS)
    def test_what_others_could_prepare_is_refused(tmp_path: Path, way: str) -> None:
        path = WAYS[way](tmp_path / "place")
        with pytest.raises(ConfigurationError) as caught:
            EmbeddedPostgres(path).start()
        assert caught.value.setting == "url"

    def test_a_link_that_comes_later_is_not_followed(tmp_path: Path) -> None:
        server = EmbeddedPostgres(tmp_path / "place")
        (tmp_path / "place").symlink_to(tmp_path)
        with pytest.raises(ConfigurationError, match="is no directory"):
            server.start()


def test_what_is_ours_is_taken(tmp_path: Path) -> None:
    ServerUser.current().check_way(tmp_path)
    ServerUser.current().check_way(tmp_path / "not there yet")
