"""The market page as a Panel app: `panel serve dashboards/market.py`. RTLAB_URL names the feed to show."""

from rtlab.lab.serving import page_of, shared_lab

page_of(shared_lab()).servable(title="rtlab")
