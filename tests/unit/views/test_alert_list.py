from rtlab.alerts import Alert
from rtlab.views.alert_list import AlertList

ALERT = Alert("r", "BTC-USD", "BTC-USD traded at 1", "1")


def sent(panel):
    messages = []
    panel._face._send_msg = messages.append
    return messages


def test_each_alert_is_drawn_once_and_marked_new():
    panel = AlertList(rows=2)
    messages = sent(panel)
    panel._appeared()
    panel.append(10**9, ALERT)
    panel._draw()
    panel.append(2 * 10**9, ALERT)
    panel._draw()
    assert [(m["first"], [row[0] for row in m["rows"]], m["rows"][0][2]) for m in messages] == [
        (0, ["00:00:01.000"], True),
        (1, ["00:00:02.000"], True),
    ]


def test_who_comes_later_gets_what_is_kept_and_none_of_it_is_new():
    panel = AlertList(rows=2)
    messages = sent(panel)
    for n in range(5):
        panel.append(n, ALERT)
    panel._appeared()
    panel._draw()
    assert messages[-1]["first"] == 3
    assert [row[2] for row in messages[-1]["rows"]] == [False, False]
    assert repr(panel) == "AlertList(alerts=5)"


def test_the_list_of_another_tab_has_what_came_and_what_comes():
    first = AlertList(rows=2)
    for number in range(3):
        first.append(number, ALERT)
    second = first.another()
    first.append(3, ALERT)
    assert [ts for ts, _ in second._kept] == [ts for ts, _ in first._kept] == [2, 3]
    assert (second._count, second.rows) == (3, 2)
