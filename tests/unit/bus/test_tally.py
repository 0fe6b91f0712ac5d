from rtlab.bus.tally import ConsumerStatistics, PublisherStatistics, Tally


def test_a_tally_begins_at_nothing_and_its_counts_have_a_place_in_the_statistics():
    counts = vars(Tally())
    assert set(counts.values()) == {0}
    assert set(counts) <= set(ConsumerStatistics._fields)
    assert {"published", "unconfirmed", "refused", "diverted"} <= set(PublisherStatistics._fields)
