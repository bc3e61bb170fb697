from metacore.testing.contract.credentials import CredentialStorageContract, WithoutKeysContract
from metacore.testing.contract.encryption_keys import EncryptionKeysContract
from metacore.testing.contract.key_rotation import KeyRotationContract


class TestCredentials(CredentialStorageContract):
    """On every backend."""


class TestWithoutKeys(WithoutKeysContract):
    """On every backend."""


class TestEncryptionKeys(EncryptionKeysContract):
    """On every backend."""


class TestKeyRotation(KeyRotationContract):
    """On every backend."""
