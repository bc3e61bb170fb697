import shutil
from pathlib import Path

import pytest

from tests.tools.trees import Tree


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original")
    Tree(root).fill()
    return root


@pytest.fixture
def tree(tmp_path: Path, original: Path) -> Tree:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return Tree(tmp_path)
