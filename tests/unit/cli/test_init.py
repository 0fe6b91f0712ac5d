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


@pytest.mark.parametrize("path", [(), ("config",), ("bus",), ("journal",)])
def test_without_a_command_the_help_is_printed_as_help_and_not_as_a_line(path):
    done = rtlab(*path)
    asked = rtlab(*path, "--help").stdout
    assert done.returncode == 2
    assert (done.stdout + done.stderr).strip() == asked.strip()
    assert len(asked.splitlines()) > 5


def test_an_unknown_option_is_told_those_that_are_meant():
    assert_one_clear_line(
        rtlab("demo", "--port", "1"), "`rtlab demo` has no option --port: did you mean --dashboard-port?"
    )
    assert_one_clear_line(rtlab("serve", "--prot", "1"), "has no option --prot: did you mean --port")
    assert_one_clear_line(rtlab("tend", "--zzz"), "no option --zzz: `rtlab tend --help` tells which it has")


def test_a_missing_argument_is_told_where_it_is_explained():
    assert_one_clear_line(rtlab("record"), "FOLDER", "`rtlab record --help`")


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
