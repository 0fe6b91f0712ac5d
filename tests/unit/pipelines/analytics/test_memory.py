import pytest

from rtlab.errors import SourceError
from rtlab.pipelines.analytics import EmaFold, RsiFold


def test_a_fold_tells_what_it_was_made_with():
    assert EmaFold(5).parameters == {"period": 5}


def test_the_state_of_another_fold_is_refused():
    with pytest.raises(SourceError, match="ema"):
        EmaFold.restore(RsiFold(5).state())
