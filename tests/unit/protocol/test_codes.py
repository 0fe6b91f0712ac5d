from rtlab.protocol import Code


def test_codes_are_those_that_websockets_leaves_to_applications():
    assert all(code == Code.RESTARTING or 4000 <= code < 5000 for code in Code)


def test_their_numbers_are_what_clients_were_told():
    assert {code.name: int(code) for code in Code} == {
        "RESTARTING": 1012,
        "UNAUTHORISED": 4001,
        "PROTOCOL": 4002,
        "FORBIDDEN": 4003,
        "UNKNOWN": 4004,
        "TOO_SLOW": 4008,
        "LIMIT": 4009,
        "TOO_MANY_REQUESTS": 4029,
    }
