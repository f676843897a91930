"""renvault_web.storage_view: what is known of the store, kept true under every change."""

from __future__ import annotations

from renvault_web.record import Purpose, Record, encode_record
from renvault_web.session import parse_session
from renvault_web.storage_view import View
from renvault_web.stored import RecordState, StorageNotice, StoredSession
from renvault_web.testing import START, fake_session

SESSION = parse_session(fake_session("a", START))
STORED = StoredSession(SESSION, created_at=START, used_at=START + 1)


def record(purpose: Purpose) -> str:
    return encode_record(Record(purpose=purpose, flags=0, key_id=b"8 bytes.", sealed=bytes(28)))


def test_it_counts_what_it_holds_and_what_else_is_ours() -> None:
    view = View()
    view.put("k1", "1234", STORED)
    view.put("k2", "12", {"primary": "a"})
    view.put_unreadable("k3", "?", RecordState.UNREADABLE)
    assert view.size == 2 * (6 + 4 + 3)
    view.put("k1", "123456", STORED)
    view.put("k3", "12", STORED)
    assert view.size == 2 * (8 + 4 + 4)
    assert view.unreadable == {}
    view.others = {"rvb1.1": 100, "rvq1.2": 10}
    assert view.size == 2 * (8 + 4 + 4) + 110


def test_it_forgets_a_record_altogether() -> None:
    view = View()
    view.put("k1", "1", STORED)
    view.put("k2", "2", {"primary": "a"})
    view.put_unreadable("k3", "?", RecordState.NEWER)
    for key in ("k1", "k2", "k3", "never there"):
        view.drop(key)
    assert view == View()


def test_growth_is_what_texts_take_more_than_those_in_their_places() -> None:
    view = View()
    view.put("k1", "1234", STORED)
    assert view.growth({"k1": "12", "k2": "1"}) == 2 * (-2 + 3)


def test_the_compression_ratio_is_one_while_nothing_was_measured() -> None:
    view = View()
    assert view.compression_ratio == 1.0
    view.measure(25, 100)
    view.measure(26, 200)
    assert view.compression_ratio == 0.17


def test_its_notices_tell_of_a_full_store_and_of_sessions_whose_key_is_gone() -> None:
    view = View()
    assert view.notices() == ()
    view.put_unreadable("k1", record(Purpose.SESSION), RecordState.LOST_KEY)
    view.put_unreadable("k2", record(Purpose.SESSION), RecordState.UNREADABLE)
    view.put_unreadable("k3", record(Purpose.NOTES), RecordState.LOST_KEY)
    assert view.lost_sessions() == ["k1"]
    view.full = True
    assert view.notices() == (StorageNotice("full"), StorageNotice("lost_key", 1))
