from metacore.testing import contract


class TestCredentials(contract.CredentialStorageContract):
    """On every backend, in both runners."""


class TestWithoutKeys(contract.WithoutKeysContract):
    """On every backend, in both runners."""


class TestEncryptionKeys(contract.EncryptionKeysContract):
    """On every backend, in both runners."""


class TestKeyRotation(contract.KeyRotationContract):
    """On every backend, in both runners."""
