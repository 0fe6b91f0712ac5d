"""The depth page as a Panel app: `panel serve dashboards/depth.py`. RTLAB_URL names the feed to show."""

from rtlab.lab.serving import page_of, shared_lab

page_of(shared_lab(), "depth").servable(title="rtlab depth")
