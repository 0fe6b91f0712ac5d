import re
import signal
import socket

import pytest
from support.command import assert_one_clear_line, environ_without, rtlab, signalled_while_compiling


def test_it_says_where_page_and_feed_are_and_ends_by_itself():
    done = rtlab("demo", "--dashboard-port", "0", "--for", "2s", timeout=100)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"dashboard at http://127\.0\.0\.1:\d+/market , feed at ws://127\.0\.0\.1:\d+ \(Ctrl-C ends both\)\n"
        r"beside it: /depth, /watch, /monitor\n",
        done.stdout,
    )
    assert "Traceback" not in done.stderr


def test_a_busy_port_is_one_clear_line_before_anything_is_compiled(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = rtlab("demo", "--dashboard-port", port, environ={"NUMBA_CACHE_DIR": str(tmp_path)})
    assert_one_clear_line(done, str(port), "--dashboard-port")
    assert "compiling" not in done.stderr


@pytest.mark.parametrize("module", ["base58", "anywidget"])
def test_messages_that_are_not_installed_are_told_before_anything_is_compiled(module, tmp_path):
    done = rtlab("demo", "--dashboard-port", "0", "--messages", environ=environ_without(module, tmp_path))
    assert_one_clear_line(done, "pip install 'rtlab[messaging]'", f"No module named '{module}'")
    assert "compiling" not in done.stderr


def test_a_signal_ends_it_while_it_compiles(tmp_path):
    done = signalled_while_compiling(signal.SIGINT, tmp_path, "demo", "--dashboard-port", "0")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"rtlab: compiling level of detail \(once, kept in .*\)…\n", done.stderr)


def test_a_feed_that_is_not_there_is_one_clear_line():
    done = rtlab("demo", "--dashboard-port", "0", "--url", "ws://127.0.0.1:9")
    assert_one_clear_line(done, "127.0.0.1:9")


def test_a_wrong_venue_is_told_before_anything_is_compiled(tmp_path):
    done = rtlab("demo", "--url", "binence:BTCUSDT", environ={"NUMBA_CACHE_DIR": str(tmp_path)})
    assert_one_clear_line(done, "did you mean binance?")
    assert "compiling" not in done.stderr


def test_an_address_that_is_no_feed_is_one_clear_line():
    assert_one_clear_line(rtlab("demo", "--dashboard-port", "0", "--url", "http://127.0.0.1:9"), "ws://")


def test_a_page_for_other_machines_wants_to_be_told_that_anybody_may_come():
    assert_one_clear_line(rtlab("demo", "--dashboard-port", "0", "--host", "0.0.0.0"), "allow_anyone")
    done = rtlab(
        "demo", "--dashboard-port", "0", "--host", "0.0.0.0", "--allow-anyone", "--for", "1s", timeout=100
    )
    assert done.returncode == 0, done.stderr
