"""The page of an experiment, for a notebook's cell or a browser's tab."""

from panel.template import Template

from rtlab.lab.faults.experiment import Experiment, cached
from rtlab.views.faults import FaultPage


def page_of(experiment: Experiment, *, theme: str | None = None) -> FaultPage:
    """Give a page that shows `experiment` and does to it what its person wishes."""
    page = FaultPage(experiment.wish, theme=theme)
    experiment.look(page)
    return page


def served() -> Template:
    """Give a browser's own page of the one experiment of this Panel server."""
    return page_of(cached()).served()
