from rtlab.lab.faults.run import FaultRun, Plan


async def test_a_run_ends_well_and_says_what_it_did():
    report = await FaultRun(Plan(11, seconds=0.5, readers=2)).run()
    assert report.holds, report.lines
    assert report.sums.heads > 0
    assert report.sums.silent == 0
    assert "every book equal, silent loss 0" in report.lines[-1]


async def test_a_run_in_which_nothing_was_published_is_not_one_that_holds():
    run = FaultRun(Plan(12, seconds=0.2, readers=1), wishes=[])
    report = await run.run()
    assert report.problems == ["nothing was published: this run proves nothing"]
