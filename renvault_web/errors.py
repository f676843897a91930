"""The errors of the package, one tree.

::

    RenvaultError               code: a short word for programs
    ├── StorageError            "storage"    a store refused or lost something
    │   ├── StorageFullError    "full"       no room: the quota or ``max_storage_size``
    │   └── CorruptRecordError  "corrupt"    a record that cannot be trusted or read
    ├── MigrationError          "migration"  an old format could not be brought along
    ├── WalletError             "wallet"     the wallet, its SDK or the relay refused or did not answer
    ├── ConfigError             "config"     a setting outside its range
    └── NotStartedError         "not_started" used before ``start()`` or after ``close()``

A message says what failed, for which topic (its first 8 characters) and what to do. It never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class RenvaultError(Exception):
    """The base of all our errors.

    ``code`` is for programs: the class's own unless one is given, as in ``WalletError("…", code="refused")``.
    """

    default_code: ClassVar[str] = "renvault"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code


class StorageError(RenvaultError):
    """A store refused or lost something.

    Codes beside the classes' own: ``import`` (a text or file that holds no import of ours), ``passphrase`` (that does
    not fit), ``file`` (no passphrase file, or a damaged one), ``load`` (what makes and opens such files did not come).
    """

    default_code = "storage"


class StorageFullError(StorageError):
    """There is no room: the browser's quota or ``max_storage_size``. What was stored is still there."""

    default_code = "full"


NEWER = "newer_version"
"""The code of a ``CorruptRecordError`` about a record that a newer version of this page can read."""


class CorruptRecordError(StorageError):
    """A record cannot be trusted or read. It is left where it is."""

    default_code = "corrupt"


class MigrationError(RenvaultError):
    """An old format could not be brought along. What was there is still there."""

    default_code = "migration"


class WalletError(RenvaultError):
    """The wallet, its SDK or the relay refused or did not answer.

    Codes: ``refused`` (the wallet said no), ``unknown`` (no answer in time; it may still come), ``expired`` (the
    session has ended), ``gone`` (the client does not know the session), ``unreachable`` (no relay connection),
    ``client`` (no client, or not one we can adopt), ``wallet`` (anything else).
    """

    default_code = "wallet"


class ConfigError(RenvaultError):
    """A setting is outside its range. The message has its name, its value and the range."""

    default_code = "config"


class NotStartedError(RenvaultError):
    """Used before ``start()`` or after ``close()``."""

    default_code = "not_started"
