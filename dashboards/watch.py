"""The watch page as a Panel app: `panel serve dashboards/watch.py`. RTLAB_URL names the feed to show."""

from rtlab.lab.serving import shared_lab, watch_page_of

watch_page_of(shared_lab()).servable(title="rtlab watch")
