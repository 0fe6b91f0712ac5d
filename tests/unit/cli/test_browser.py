from rtlab.cli.browser import FLAGS, QUIET, chromium_path


def test_the_first_name_on_the_path_is_the_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium_path() == ""
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).touch(mode=0o700)
        assert chromium_path() == str(tmp_path / name)


def test_features_are_left_out_in_one_list_for_a_second_would_replace_it():
    assert sum(one.startswith("--disable-features=") for one in FLAGS) == 1
    assert set(FLAGS) - set(QUIET) == {"--disable-gpu"}
