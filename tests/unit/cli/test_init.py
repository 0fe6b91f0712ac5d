import pytest
from support.command import assert_one_clear_line, rtlab

from rtlab import __version__
from rtlab.cli import COMMANDS


def test_help_names_every_command():
    done = rtlab("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_of_its_own(name):
    done = rtlab(name, "-h")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: rtlab {name}")


def test_the_version_is_told():
    assert rtlab("--version").stdout.strip() == f"rtlab {__version__}"


def test_an_unknown_command_is_told_the_nearest():
    assert_one_clear_line(rtlab("sevre"), "no command 'sevre'", "did you mean serve?")


def test_an_unknown_setting_in_the_environment_is_one_clear_line():
    assert_one_clear_line(rtlab("doctor", environ={"RTLAB_RAET": "1"}), "RTLAB_RAET", "RTLAB_RATE")


def test_a_broken_settings_file_is_one_clear_line(tmp_path):
    (tmp_path / "rtlab.toml").write_text("port = \n")
    assert_one_clear_line(rtlab("doctor", cwd=tmp_path), "rtlab.toml", "line 1")


def test_an_unknown_key_in_the_settings_file_is_one_clear_line(tmp_path):
    (tmp_path / "rtlab.toml").write_text("prot = 1\n")
    assert_one_clear_line(rtlab("doctor", cwd=tmp_path), "prot", "port")
