"""What every PassphraseFile does: the fake here, age-encryption in the page. Each file there takes a second or more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import StorageError
from renvault_web.testing import FakePassphraseFile

if TYPE_CHECKING:
    from renvault_web.ports import PassphraseFile

PASSPHRASE = "correct horse bätterie 🔋"
PLAINTEXT = bytes(range(256)) * 300  # more than one of age's chunks of 64 KiB


@pytest.fixture
def files() -> PassphraseFile:
    if sys.platform == "emscripten":
        import renvault_bridge

        from renvault_web.browser.passphrase import BrowserPassphraseFile

        found: PassphraseFile = BrowserPassphraseFile(renvault_bridge)
        return found
    return FakePassphraseFile()


async def test_a_file_opens_with_its_passphrase_alone(files: PassphraseFile) -> None:
    file = await files.encrypt(PASSPHRASE, PLAINTEXT)
    assert file.startswith(b"age-encryption.org/v1\n-> ")
    assert PLAINTEXT[:64] not in file
    assert await files.decrypt(PASSPHRASE, file) == PLAINTEXT
    with pytest.raises(StorageError, match=r"passphrase does not fit") as raised:
        await files.decrypt(PASSPHRASE + " ", file)
    assert raised.value.code == "passphrase"


async def test_no_two_files_are_alike_and_one_may_be_empty(files: PassphraseFile) -> None:
    one, other = [await files.encrypt(PASSPHRASE, b"") for _ in range(2)]
    assert one != other
    assert await files.decrypt(PASSPHRASE, one) == b""


async def test_a_file_that_was_changed_or_cut_does_not_open(files: PassphraseFile) -> None:
    file = await files.encrypt(PASSPHRASE, b"what is inside")
    for damaged in (file[:-1] + bytes([file[-1] ^ 1]), file[:-1]):
        with pytest.raises(StorageError):
            await files.decrypt(PASSPHRASE, damaged)


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"{}", b"age-encryption.org/v9\n"], ids=repr)
async def test_what_is_no_such_file_is_refused(files: PassphraseFile, data: bytes) -> None:
    with pytest.raises(StorageError, match="age") as raised:
        await files.decrypt(PASSPHRASE, data[:100])
    assert raised.value.code == "file"
