from metacore.testing import contract


class TestCredentials(contract.CredentialStorageContract):
    """On every backend, in both worlds."""


class TestApiKey(contract.ApiKeyContract):
    """On every backend, in both worlds."""


class TestWithoutKeys(contract.WithoutKeysContract):
    """On every backend, in both worlds."""


class TestEncryptionKeys(contract.EncryptionKeysContract):
    """On every backend, in both worlds."""


class TestKeyRotation(contract.KeyRotationContract):
    """On every backend, in both worlds."""
