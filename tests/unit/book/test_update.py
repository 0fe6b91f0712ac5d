from rtlab.book import WHOLE, Update


def test_whole_is_deeper_than_any_book_and_exact_in_every_language():
    assert 10**12 < WHOLE < 2**53


def test_an_update_is_a_plain_tuple_of_its_fields():
    update = Update("increment", 1, 5, 9, 10, 123, [(0, 100, 1)])
    assert tuple(update) == ("increment", 1, 5, 9, 10, 123, [(0, 100, 1)])
    assert update._replace(first_seq=3).first_seq == 3
