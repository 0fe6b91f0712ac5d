from rtlab.cli.findings import Finding


def test_what_is_found_is_needed_unless_it_says_otherwise():
    assert Finding("python", True, "3.11", "").needed
    assert Finding("x", False, "none", "get one", needed=False)._asdict() == {
        "name": "x",
        "good": False,
        "found": "none",
        "mend": "get one",
        "needed": False,
    }
