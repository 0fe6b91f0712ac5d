import pytest
from support.command import assert_one_clear_line, rtlab

from rtlab.cli import main
from rtlab.lab.faults import run as runs
from rtlab.lab.faults.verdict import problems_of


def test_it_says_what_was_done_to_whom_and_that_every_run_holds():
    done = rtlab("chaos", "--seed", 7, "--runs", 2, "--for", "500ms", "--readers", 2)
    assert done.returncode == 0, done.stderr
    assert "seed 7: 2 readers for 0.5 s" in done.stdout
    assert "seed 8:" in done.stdout
    assert "reader 1:" in done.stdout
    assert "silent 0" in done.stdout
    assert done.stdout.rstrip().endswith("2 of 2 runs hold")
    assert "Traceback" not in done.stderr


def test_silent_loss_ends_with_status_1_and_names_the_seeds(monkeypatch, capsys):
    def lossy(auditors, truth):
        for auditor in auditors.values():
            for account in auditor.accounts.values():
                account._add("silent", 1)
        return problems_of(auditors, truth)

    monkeypatch.setattr(runs, "problems_of", lossy)
    with pytest.raises(SystemExit) as ended:
        main(["chaos", "--seed", "3", "--runs", "1", "--for", "300ms", "--readers", "1"])
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "the account does not add up" in told.out
    assert "DOES NOT HOLD" in told.out
    assert "seeds 3" in told.err


def test_a_wrong_duration_is_one_clear_line():
    assert_one_clear_line(rtlab("chaos", "--for", "soon"), "soon", "20s")
