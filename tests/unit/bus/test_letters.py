from support.bus_events import Counted, counted_topic

from rtlab.bus.letters import decode_letter, decode_mark, encode_letter, encode_mark, unreadable
from rtlab.bus.transport import DeadLetter


def test_a_letter_comes_back_as_it_was():
    event = counted_topic().event(Counted("k", 1), key="k")
    letter = DeadLetter("main", 3, "ValueError: no", 5, 17, event)
    assert decode_letter(encode_letter(letter)) == letter


def test_a_mark_comes_back_and_an_empty_one_names_no_event():
    assert decode_mark(encode_mark("e-1", 3)) == ("e-1", 3)
    assert decode_mark(b"") == ("", 0)


def test_what_cannot_be_unpacked_is_kept_whole_as_an_event_without_type():
    event = unreadable(b"\xc1", "0-7")
    assert (event.id, event.type, event.body) == ("entry-0-7", "", b"\xc1")
