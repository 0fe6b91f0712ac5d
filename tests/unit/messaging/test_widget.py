from rtlab.messaging.bundle import script
from rtlab.messaging.widget import HEIGHT, MessagesPane, MessagesWidget

OPTIONS = {"url": "ws://127.0.0.1:1/messages", "directory": "relay.test"}


def test_a_notebook_is_given_the_module_and_the_options_and_nothing_comes_back():
    widget = MessagesWidget(options=OPTIONS)
    assert str(widget._esm) == script().decode()
    assert (widget.options, widget.height) == (OPTIONS, HEIGHT)
    assert repr(widget) == "MessagesWidget('ws://127.0.0.1:1/messages')"
    ours = {name for name, trait in widget.traits(sync=True).items() if trait.this_class is MessagesWidget}
    assert ours == {"options", "height"}


def test_panel_is_given_the_same():
    pane = MessagesPane(options=OPTIONS, height=300)
    assert (pane.options, pane.height) == (OPTIONS, 300)
    assert pane._bundle.read_bytes() == script()
    assert MessagesPane().height == 480
