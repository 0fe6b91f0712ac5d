"""The monitor page as a Panel app, without any market: `panel serve dashboards/monitor.py`."""

from rtlab.lab.serving import monitor_page

monitor_page().servable(title="rtlab monitor")
