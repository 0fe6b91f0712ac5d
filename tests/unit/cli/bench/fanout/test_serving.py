import os

from support.owner import serving

from rtlab.cli.bench.fanout.serving import Window, obey, raise_file_limit, resident_bytes


async def test_a_window_is_ticked_at_its_rate_and_its_cost_told():
    ticked = []

    async def tick(together: bool) -> float:
        ticked.append(together)
        sum(range(100_000))
        return 0.25

    async def serve(owner):
        await obey(owner, 4321, tick)

    async with serving(serve) as (owner, port):
        assert port == 4321
        spent = await owner.ask(Window(100.0, 0.2, together=True))
        assert ticked == [True] * spent.ticks
        assert 1 <= spent.ticks <= 21
        assert spent.market_s == 0.25 * spent.ticks
        assert spent.fanout_s + spent.market_s > 0
        assert await owner.ask("memory") > 1 << 20


def test_resident_bytes_are_those_of_a_process():
    assert resident_bytes(os.getpid()) > 10 << 20
    assert resident_bytes(1 << 30) == 0


def test_the_file_limit_is_raised_to_what_this_user_may():
    assert raise_file_limit() == raise_file_limit() > 100
