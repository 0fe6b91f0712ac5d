from rtlab.pipelines.cluster.keys import Keys, beats_key, instruments_key, keys_of, plan_key


def test_the_keys_of_an_instrument_share_their_hash_tag():
    keys = keys_of("day", "BTC-USD")
    tags = {key[key.index("{") : key.index("}")] for key in keys}
    assert tags == {"{day:BTC-USD"}
    assert len(set(keys)) == len(Keys._fields)


def test_no_two_deployments_share_a_key():
    mine, yours = (
        {*keys_of(name, "A"), instruments_key(name), plan_key(name), beats_key(name)} for name in ("a", "b")
    )
    assert not mine & yours
