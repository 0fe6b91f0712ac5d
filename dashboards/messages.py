"""Wallet-to-wallet messages as a Panel app: `panel serve dashboards/messages.py`, one device a browser."""

import panel as pn

from rtlab.messaging.office import PostOffice
from rtlab.messaging.widget import MessagesPane

office = pn.state.as_cached("rtlab.messages", lambda: PostOffice().start())
pn.Column(MessagesPane(options=office.options(), height=640)).servable(title="Messages")
