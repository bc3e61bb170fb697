"""Which process runs which tests, where several do."""

from xdist.scheduler import LoadScopeScheduling

SHARED = ("tests/examples/marketplace/", "tests/injection/", "tests/secrets/")
"""Folders whose files share what takes long to start: one process runs all of them."""
APART = ("tests/examples/marketplace/test_faults.py",)
"""Files of theirs that start what they need themselves."""
FIRST = (
    "tests/faults/test_silence.py",
    "tests/examples/marketplace/",
    "tests/examples/",
    "tests/faults/",
    "tests/secrets/",
    "tests/postgres/",
)
"""What waits most is begun first: others have the processors meanwhile, and no process is left alone with it."""


class Schedule(LoadScopeScheduling):
    """A file is run by one process, which so starts what the file shares once; large ones before small ones."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in SHARED if file.startswith(folder) and file not in APART), file)

    def _assign_work_unit(self, node: object) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_place), last=False)
        super()._assign_work_unit(node)


def _place(unit: str) -> int:
    return next((place for place, begin in enumerate(FIRST) if unit.startswith(begin)), len(FIRST))
