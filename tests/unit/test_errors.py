from __future__ import annotations

import pytest

from renvault_web import errors

TREE = {
    errors.RenvaultError: (Exception, "renvault"),
    errors.StorageError: (errors.RenvaultError, "storage"),
    errors.StorageFullError: (errors.StorageError, "full"),
    errors.CorruptRecordError: (errors.StorageError, "corrupt"),
    errors.MigrationError: (errors.RenvaultError, "migration"),
    errors.WalletError: (errors.RenvaultError, "wallet"),
    errors.ConfigError: (errors.RenvaultError, "config"),
    errors.NotStartedError: (errors.RenvaultError, "not_started"),
}


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_each_error_has_its_place_and_its_code(error: type[errors.RenvaultError]) -> None:
    parent, code = TREE[error]
    assert error.__bases__ == (parent,)
    assert error("what failed").code == code
    assert str(error("what failed")) == "what failed"


def test_a_code_given_to_one_error_is_its_own() -> None:
    assert errors.WalletError("The wallet said no.", code="refused").code == "refused"
    assert errors.WalletError("again").code == "wallet"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    defined = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]
    assert set(defined) == set(TREE)
    for error, (_, code) in TREE.items():
        assert error.__name__ in (errors.__doc__ or "")
        assert error is errors.RenvaultError or f'"{code}"' in (errors.__doc__ or "")
