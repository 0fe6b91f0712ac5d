import numba
import numpy as np
import pytest

from rtlab.views.prefetch import prefetch


@numba.njit
def fetched(array, row):
    prefetch(array, row)
    return array[0]


@pytest.mark.parametrize("row", [0, 3, 10**15, -(10**15)])
def test_any_row_may_be_asked_for_also_one_that_does_not_exist(row):
    assert fetched(np.arange(4.0), row) == 0
    assert (fetched(np.arange(8).reshape(4, 2), row) == [0, 1]).all()


def test_it_stays_in_the_compiled_code():
    fetched(np.arange(4.0), 1)
    assert all("call void @llvm.prefetch" in code for code in fetched.inspect_llvm().values())
