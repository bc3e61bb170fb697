from metacore.testing import contract


class TestUser(contract.UserStorageContract):
    """On every backend, in both worlds."""


class TestUserUniqueField(contract.UserUniqueFieldContract):
    """On every backend, in both worlds."""


class TestUserList(contract.UserListContract):
    """On every backend, in both worlds."""


class TestUserNames(contract.UserNamesContract):
    """On every backend, in both worlds."""


class TestNormalName(contract.NormalNameContract):
    """On every backend, in both worlds."""
