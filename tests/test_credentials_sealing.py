"""How credentials are encrypted and hashed, and the keys for it."""

import asyncio
import base64
import copy
import hmac
import logging
import pickle
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from metacore.config import Settings
from metacore.crypto.keys import Keys
from metacore.crypto.ring import EncryptionKey, KeyRing
from metacore.crypto.sealing import api_key_hashes, has_api_key, reseal, seal, unseal
from metacore.domain.people.credentials import Credentials
from metacore.domain.values.secrets import MASK, Secret
from metacore.errors import ConfigurationError, DecryptionError, MissingKeyError
from metacore.sync.crypto.keys import Keys as BlockingKeys
from metacore.testing.cases import each_case

ALICE, BOB = UUID(int=1), UUID(int=2)
OLD, NEW = bytes(range(32)), bytes(range(1, 33))
RING = KeyRing({"k1": OLD})
CREDENTIALS = Credentials(api_key="the key", api_secret="the secret", passphrase="the passphrase")
SEALED = seal(RING, ALICE, CREDENTIALS)


def base64_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def derive(key: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA-256 as RFC 5869 says, without salt, for one block."""
    return hmac.digest(hmac.digest(bytes(32), key, "sha256"), purpose + b"\x01", "sha256")


class TestSealing:
    @given(*[st.text(min_size=1, max_size=200).filter(lambda text: "\0" not in text and text != MASK)] * 3)
    def test_what_is_sealed_comes_back(self, api_key: str, api_secret: str, passphrase: str) -> None:
        credentials = Credentials(api_key=api_key, api_secret=api_secret, passphrase=passphrase)
        assert unseal(RING, seal(RING, ALICE, credentials)) == credentials

    @pytest.mark.parametrize("passphrase", ["the passphrase", None])
    def test_the_format_is_what_the_documentation_says(self, passphrase: str | None) -> None:
        stored = seal(RING, ALICE, CREDENTIALS.changed(passphrase=passphrase))
        assert stored.generation is not None
        assert (stored.sealed[:1], len(stored.generation)) == (b"\x01", 16)
        bound_to = b"\x01" + ALICE.bytes + stored.generation + b"k1"
        text = AESGCM(derive(OLD, b"metacore/1/encryption")).decrypt(stored.sealed[1:13], stored.sealed[13:], bound_to)
        assert text == b"the key\0the secret" + (b"\0the passphrase" if passphrase else b"")

    def test_the_hash_is_what_the_documentation_says(self) -> None:
        (row,) = api_key_hashes(RING, ALICE, CREDENTIALS)
        assert row.api_key_hash == hmac.digest(derive(OLD, b"metacore/1/hash"), b"the key", "sha256")
        assert (row.user_id, row.key_id) == (ALICE, "k1")

    def test_every_set_has_a_nonce_and_a_generation_of_its_own(self) -> None:
        stored = [seal(RING, ALICE, CREDENTIALS) for _ in range(100)]
        assert len({row.sealed[1:13] for row in stored}) == len({row.generation for row in stored}) == 100

    def test_nothing_of_a_text_is_in_what_is_sealed(self) -> None:
        for text in (b"the key", b"the secret", b"the passphrase"):
            assert text not in pickle.dumps(SEALED)

    @each_case(
        "change",
        [
            {"user_id": BOB},
            {"key_id": "k2"},
            {"generation": None},
            {"generation": bytes(16)},
            {"sealed": b""},
            {"sealed": seal(RING, BOB, CREDENTIALS).sealed},
        ],
    )
    def test_it_is_bound_to_its_user_generation_and_key(self, change: dict[str, Any]) -> None:
        with pytest.raises(DecryptionError):
            unseal(KeyRing({"k1": OLD, "k2": NEW}), replace(SEALED, **change))
        with pytest.raises(DecryptionError):
            unseal(KeyRing({"k2": OLD}), replace(SEALED, **{"key_id": "k2", **change}))

    def test_an_older_set_does_not_decrypt_beside_the_newer_generation(self) -> None:
        older = seal(RING, ALICE, CREDENTIALS)
        mixed = replace(older, generation=SEALED.generation)
        for call in (lambda: unseal(RING, mixed), lambda: has_api_key(RING, mixed, CREDENTIALS.api_key)):
            with pytest.raises(DecryptionError) as caught:
                call()
            assert (caught.value.key_id, caught.value.user_id) == ("k1", ALICE)  # type: ignore[attr-defined]

    @each_case("position", range(len(SEALED.sealed)))
    def test_a_ciphertext_altered_anywhere_does_not_decrypt(self, position: int) -> None:
        altered = bytearray(SEALED.sealed)
        altered[position] ^= 1
        with pytest.raises(DecryptionError):
            unseal(RING, replace(SEALED, sealed=bytes(altered)))

    @pytest.mark.parametrize("length", [1, 12, 13, 20, 28, len(SEALED.sealed) - 1])
    def test_a_ciphertext_cut_short_does_not_decrypt(self, length: int) -> None:
        with pytest.raises(DecryptionError):
            unseal(RING, replace(SEALED, sealed=SEALED.sealed[:length]))

    def test_the_error_names_a_missing_key(self) -> None:
        with pytest.raises(MissingKeyError, match="'k1'") as caught:
            unseal(KeyRing({"k2": NEW}), SEALED)
        assert caught.value.key_id == "k1"

    def test_a_hash_is_made_under_each_key_and_none_under_two_is_the_same(self) -> None:
        rows = api_key_hashes(KeyRing({"k2": NEW, "k1": OLD}), ALICE, CREDENTIALS)
        assert [row.key_id for row in rows] == ["k2", "k1"]
        assert rows[1:] == api_key_hashes(RING, ALICE, CREDENTIALS)
        assert rows[0].api_key_hash != rows[1].api_key_hash

    def test_a_hash_does_not_stand_for_the_api_key(self) -> None:
        assert has_api_key(RING, SEALED, Secret("the key"))
        assert not has_api_key(RING, SEALED, Secret("the secret"))

    def test_resealing_brings_rows_under_the_current_key_and_tells_of_the_others(self) -> None:
        lost = seal(KeyRing({"k0": NEW}), BOB, CREDENTIALS)
        ring = KeyRing({"k2": NEW, "k1": OLD})
        (done,), (unreadable,) = reseal(ring, [SEALED, lost])
        assert (done.before, done.sealed.key_id, done.sealed.user_id) == (SEALED, "k2", ALICE)
        assert unseal(KeyRing({"k2": NEW}), done.sealed) == CREDENTIALS
        assert done.hashes == api_key_hashes(ring, ALICE, CREDENTIALS)
        assert (unreadable.user_id, unreadable.key_id) == (BOB, "k0")

    @pytest.mark.parametrize("error", [MissingKeyError("k1", user_id=ALICE), DecryptionError("k1", user_id=ALICE)])
    def test_the_errors_pickle_with_their_fields(self, error: Any) -> None:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.__dict__) == (type(error), error.__dict__)


class TestKeyRing:
    def test_the_first_key_is_current(self) -> None:
        ring = KeyRing.parse(f"new:{base64_of(NEW)},old:{base64_of(OLD)}")
        assert ring.current.id == "new"
        assert list(ring) == ["new", "old"]

    @pytest.mark.parametrize(
        "text",
        [
            f"k1:{base64_of(OLD)}",
            f"  k1 : {base64_of(OLD)}\n",
            f"k1:{base64_of(OLD).rstrip('=')}",
            f"k1:{base64.urlsafe_b64encode(OLD).decode()}",
        ],
    )
    def test_base64_is_read_in_its_usual_forms(self, text: str) -> None:
        assert unseal(KeyRing.parse(text), SEALED) == CREDENTIALS

    @each_case(
        ("text", "said"),
        [
            ("", "entry 1"),
            ("k1", "entry 1"),
            ("k1:", "entry 1"),
            (base64_of(OLD), "entry 1"),
            (f":{base64_of(OLD)}", "entry 1"),
            (f"k 1:{base64_of(OLD)}", "entry 1"),
            (f"-k1:{base64_of(OLD)}", "entry 1"),
            (f"{'k' * 65}:{base64_of(OLD)}", "entry 1"),
            (f"ключ:{base64_of(OLD)}", "entry 1"),
            (f"{base64_of(OLD)}:k1", "entry 1"),
            (f"k1:{base64_of(OLD[:31])}", "entry 1"),
            (f"k1:{base64_of(OLD + b'x')}", "entry 1"),
            (f"k1:{base64_of(OLD)}!", "entry 1"),
            (f"k1:{base64_of(OLD)},", "entry 2"),
            (f"k1:{base64_of(OLD)},k1:{base64_of(NEW)}", "entry 2"),
            (f"k1:{base64_of(OLD)},k2:{base64_of(OLD)}", "two ids"),
        ],
    )
    def test_the_error_does_not_repeat_a_text_that_is_no_ring(self, text: str, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said) as caught:
            KeyRing.parse(text)
        shown = f"{caught.value!r} {caught.value.__dict__} {caught.value.__context__!r} {pickle.dumps(caught.value)!r}"
        assert base64_of(OLD)[:10] not in shown
        assert caught.value.setting == "encryption_keys"

    @pytest.mark.parametrize("keys", [{}, {"k1": "x" * 32}, {"k1": OLD[:16]}, {1: OLD}, {"": OLD}])
    def test_a_mapping_that_is_no_ring_is_refused(self, keys: Any) -> None:
        with pytest.raises(ConfigurationError):
            KeyRing(keys)

    @pytest.mark.parametrize("part", [b"\0", b"k", b"\xff"])
    def test_a_key_that_repeats_one_byte_is_refused(self, part: bytes) -> None:
        key = part * (32 // len(part))
        for make in (lambda: KeyRing({"k1": key}), lambda: KeyRing.parse(f"k1:{base64_of(key)}")):
            with pytest.raises(ConfigurationError, match="at random"):
                make()

    def test_settings_with_keys_can_be_copied(self) -> None:
        settings = Settings(encryption_keys={"k1": OLD})
        for copied in (copy.deepcopy(settings), copy.copy(settings), settings.model_copy(deep=True)):
            assert copied.encryption_keys is settings.encryption_keys
            assert base64_of(OLD) not in repr(copied)

    @pytest.mark.parametrize("value", [RING, RING.current])
    def test_keys_are_neither_shown_nor_pickled(self, value: KeyRing | EncryptionKey) -> None:
        assert base64_of(OLD) not in repr(value)
        assert repr(OLD)[2:-1] not in repr(value)
        with pytest.raises(TypeError, match="in the clear"):
            pickle.dumps(value)

    def test_the_extra_is_named_where_it_is_not_installed(self, mocker: MockerFixture) -> None:
        mocker.patch.dict(
            sys.modules,
            {"cryptography.hazmat.primitives.kdf.hkdf": None, "cryptography.hazmat.primitives.ciphers.aead": None},
        )
        for use in (
            lambda: seal(KeyRing({"k": OLD}), ALICE, CREDENTIALS),
            lambda: unseal(KeyRing({"k1": OLD}), SEALED),
            lambda: api_key_hashes(KeyRing({"k1": OLD}), ALICE, CREDENTIALS),
        ):
            with pytest.raises(ConfigurationError, match=r"metacore\[crypto\]") as caught:
                use()
            frames = traceback.StackSummary.extract(traceback.walk_tb(caught.tb), capture_locals=True)
            variables = str([frame.locals for frame in frames if frame.filename != __file__])
            assert not [secret for secret in ("the key", "the secret", "the pass", "x01\\\\x02") if secret in variables]

    def test_cryptography_is_imported_when_the_first_key_is_used(self) -> None:
        code = (
            "import sys, metacore, metacore.crypto.sealing, metacore.sync.memory.storages.storage\n"
            "from metacore.config import Settings\n"
            "settings = Settings(encryption_keys={'k1': bytes(range(32))})\n"
            "metacore.sync.memory.storages.storage.MemoryStorage(settings=settings)\n"
            "sys.exit('cryptography' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestSettings:
    def test_the_variable_of_the_environment_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("METACORE_ENCRYPTION_KEYS", f"k2:{base64_of(NEW)},k1:{base64_of(OLD)}")
        ring = Settings().encryption_keys
        assert isinstance(ring, KeyRing)
        assert list(ring) == ["k2", "k1"]

    def test_keys_are_not_shown(self) -> None:
        for keys in (RING, f"k1:{base64_of(OLD)}", {"k1": OLD}, lambda: RING):
            settings = Settings(encryption_keys=keys)
            for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
                assert "encryption_keys=" not in shown
                assert base64_of(OLD) not in shown

    @pytest.mark.parametrize("value", ["no ring", 1, {"k1": b"short"}, b"k1:AAAA", ["k1"]])
    def test_what_is_no_ring_is_refused(self, value: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            Settings(encryption_keys=value)
        assert caught.value.setting == "encryption_keys"


class TestKeys:
    def test_a_callable_is_called_in_another_thread_and_once_for_all_who_wait(self) -> None:
        called_in = []

        def give() -> KeyRing:
            called_in.append(threading.get_ident())
            return RING

        async def use() -> None:
            keys = Keys(give, 60)
            rings = await asyncio.gather(*[keys.ring() for _ in range(10)])
            assert rings == [RING] * 10

        asyncio.run(use())
        assert len(called_in) == 1
        assert called_in[0] != threading.get_ident()

    def test_a_callable_is_asked_again_when_its_ring_is_old_or_lacks_a_key(self, mocker: MockerFixture) -> None:
        clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
        mocker.patch("metacore.sync.crypto.keys.time", clock)
        give = mocker.Mock(return_value=RING)
        keys = BlockingKeys(give, 60)
        for seconds, key_id, calls in [
            (0, None, 1),
            (59, None, 1),
            (0, "k1", 1),
            (1.5, None, 2),
            (0.5, "k2", 2),
            (0.5, "k2", 3),
            (0.5, "k2", 3),
            (50, "k1", 3),
        ]:
            clock.now += seconds
            assert keys.ring(key_id) is RING
            assert give.call_count == calls

    def test_a_failure_later_is_logged_without_what_it_says(
        self, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
    ) -> None:
        give = mocker.Mock(side_effect=[RING, OSError(base64_of(OLD)), RING])
        keys = BlockingKeys(give, 0)
        with caplog.at_level(logging.DEBUG):
            assert [keys.ring() for _ in range(3)] == [RING] * 3
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("metacore.sync.crypto.keys", "WARNING")
        assert "OSError" in record.getMessage()
        assert base64_of(OLD) not in caplog.text
