import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data
from IPython.utils.capture import capture_output
from panel.io import notebook

from rtlab.views.loading import LARGE, WORDS, arrived, publish


@pytest.fixture(scope="module", autouse=True)
def shell():
    """What a notebook's kernel has, and a test does not."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def load() -> None:
    publish_display_data({"text/html": "<style>"})
    publish_display_data({"application/javascript": "x" * LARGE, "application/other": "y"}, {"of": "both"})


def test_what_is_loaded_is_published_as_it_was_and_taken_out_once_a_browser_is_there():
    with capture_output() as cell:
        publish(load)
    assert [one.data for one in cell.outputs] == [
        {"text/html": "<style>"},
        {"application/javascript": "x" * LARGE, "application/other": "y"},
    ]
    assert cell.outputs[1].metadata == {"of": "both"}
    with capture_output() as after:
        arrived()
        arrived()
    assert [one.data for one in after.outputs] == [WORDS]


def test_panel_loads_its_scripts_so_and_their_outputs_are_large_enough():
    with capture_output() as cell:
        notebook.load_notebook(inline=True)
    sizes = [len(str(one.data)) for one in cell.outputs]
    with capture_output() as after:
        arrived()
    assert len(after.outputs) == sum(size > LARGE for size in sizes) > 0
    assert sum(size for size in sizes if size <= LARGE) < 3 * LARGE
