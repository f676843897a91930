"""The names that JavaScript looks for in localStorage by itself are those that Python knows."""

import re

from dev.steps import ROOT
from renvault_web.backups import backup_time
from renvault_web.legacy_keys import COMPLETED, FOREIGN_KEYS, SECURE_PREFIX, SESSION_KEYS
from renvault_web.record import BACKUP_PREFIX

SOURCE = (ROOT / "web" / "src" / "migration-state.ts").read_text()


def constant(name: str) -> str:
    [found] = re.findall(rf"const {name} = (.*?);\n", SOURCE)
    return str(found)


def listed(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r'"([^"]+)"', constant(name)))


def test_the_old_names_are_the_same_in_both_languages() -> None:
    assert listed("OLD_KEYS") == SESSION_KEYS
    assert listed("FOREIGN_KEYS") == FOREIGN_KEYS
    assert listed("OLD_PREFIX") == (SECURE_PREFIX,)
    assert listed("COMPLETED") == (COMPLETED,)
    assert listed("BACKUP_PREFIX") == (BACKUP_PREFIX,)


def test_a_backup_has_the_same_names_and_times_in_both_languages() -> None:
    pattern = re.compile(constant("BACKUP").strip("/").replace("\\d", "[0-9]").removeprefix("^").removesuffix("$"))
    names = [
        "rvb1.1700000000000",
        "rvb1.170000000000",
        "rvb1.17000000000000",
        "rvb1.x700000000000",
        "renvault_session_backup_1700000000000",
        "renvault_session_backup_5",
        "renvault_session_backup_",
        "renvault_session_backup_12345678901234567",
        "renvault_session_backups",
    ]
    for name in names:
        found = pattern.fullmatch(name)
        assert (int(found[1] or found[2]) / 1000 if found else None) == backup_time(name), name
