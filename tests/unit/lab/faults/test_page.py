from rtlab.lab.faults.page import page_of


class Recorded:
    """An experiment that only remembers."""

    def __init__(self):
        self.wishes, self.eyes = [], []

    def wish(self, name, value):
        self.wishes.append((name, value))

    def look(self, eye):
        self.eyes.append(eye)


def test_a_page_looks_on_and_passes_on_what_its_person_wishes():
    experiment = Recorded()
    page = page_of(experiment, theme="dark")
    assert experiment.eyes == [page]
    page.visual._handle_msg({"wish": "kill", "value": 1})
    assert experiment.wishes == [("kill", 1.0)]
    assert page.theme == "dark"
