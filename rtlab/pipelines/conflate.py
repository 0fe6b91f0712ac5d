"""`conflate`: a busy branch gets the newest value when it is ready again, and always the last one."""

from typing import Any

from rtlab.pipelines.delivering import Delivering
from rtlab.pipelines.stream import FrameStream, register


@register
class conflate(Delivering):
    """Pass values on; while the functions below are still busy with one, keep only the newest for them.

    Nothing above waits for what is below. streamz's own `latest` loses a value that comes while its sink is
    busy and is followed by none; here the last value is always delivered. `merged` counts those replaced.
    """

    def __init__(self, upstream: FrameStream, **settings: Any) -> None:
        self.merged = 0
        super().__init__(upstream, **settings)

    def _has_room(self) -> bool:
        if self._waiting:
            self.merged += 1
            self._let_oldest_go()
        return True
