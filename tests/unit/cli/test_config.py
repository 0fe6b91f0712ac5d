import json

from support.command import rtlab

from rtlab.config import SETTINGS


def test_what_is_set_is_told_with_where_it_was_set(tmp_path):
    (tmp_path / "rtlab.toml").write_text("rate = 7\n")
    done = rtlab("config", "show", environ={"RTLAB_SEED": "3"}, cwd=tmp_path)
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["rate", "7", "file", "RTLAB_RATE"],
        ["seed", "3", "environment", "RTLAB_SEED"],
    ]


def test_without_any_it_says_so_and_all_tells_every_one(tmp_path):
    assert "--all" in rtlab("config", "show", cwd=tmp_path).stdout
    lines = rtlab("config", "show", "--all", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SETTINGS)
    told = json.loads(rtlab("config", "show", "--json", cwd=tmp_path).stdout)
    assert told["port"] == {"value": 8765, "from": "default", "variable": "RTLAB_PORT"}


def test_secrets_are_never_told(tmp_path):
    secrets = {
        "RTLAB_TOKEN": "abc.def",
        "RTLAB_BUS_URL": "amqp://u:abc@h/",
        "RTLAB_REDIS_URL": "redis://:abc@h",
    }
    for arguments in ((), ("--json",)):
        done = rtlab("config", "show", *arguments, environ=secrets, cwd=tmp_path)
        assert "abc" not in done.stdout
        assert done.stdout.count("(not shown)") == 3


def test_an_unknown_setting_is_told_with_the_nearest(tmp_path):
    done = rtlab("config", "show", environ={"RTLAB_SEDE": "3"}, cwd=tmp_path)
    assert done.returncode == 2
    assert "RTLAB_SEED (the nearest)" in done.stderr
