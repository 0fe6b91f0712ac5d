from rtlab.lab.faults.run import LIMITS, FaultRun, Plan


async def test_a_run_ends_well_and_says_what_it_did():
    report = await FaultRun(Plan(11, seconds=0.5, readers=2)).run()
    assert report.holds, report.lines
    assert report.sums.heads > 0
    assert report.sums.silent == 0
    assert "every book equal, silent loss 0" in report.lines[-1]


async def test_a_run_in_which_nothing_was_published_is_not_one_that_holds():
    run = FaultRun(Plan(12, seconds=0.2, readers=1), wishes=[])
    run.patience_s = 2.0  # all of it is waited for in vain
    report = await run.run()
    assert report.problems == ["nothing was published: this run proves nothing"]


def test_no_fault_of_a_process_of_its_own_lasts_until_a_reader_is_given_up():
    apart = FaultRun(Plan(1, seconds=3.0, process=True))
    longest = max(
        fault.for_s for seed in range(50) for fault in FaultRun(Plan(seed, 3.0, process=True)).faults
    )
    assert LIMITS.evict_after_s < longest < 0.5 * apart.stage.limits.evict_after_s
