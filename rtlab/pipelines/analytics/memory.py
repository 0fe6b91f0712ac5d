"""A fold whose whole memory is one struct: saved and restored by its form, parameters first."""

from operator import attrgetter
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec

from rtlab.pipelines.state import pack, unpack


class Memory(msgspec.Struct, array_like=True, kw_only=True):
    """What a fold remembers; `left_out` counts the rows that made no row."""

    left_out: int = 0


M = TypeVar("M", bound=Memory)


class SavedFold(Generic[M]):
    """A fold over `memory`, a struct of `FORM`; the fields named in `PARAMETERS` never change."""

    KIND: ClassVar[str]
    FORM: ClassVar[type[Memory]]
    PARAMETERS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, memory: M) -> None:
        self.memory = memory

    @property
    def parameters(self) -> dict[str, object]:
        """What the fold was made with: a state goes on only in a fold of the same."""
        return {name: attrgetter(name)(self.memory) for name in self.PARAMETERS}

    @property
    def left_out(self) -> int:
        """Rows that made no row."""
        return self.memory.left_out

    def state(self) -> bytes:
        """Give everything that a fold needs to go on from here."""
        return pack(self.KIND, self.memory)

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on exactly from `state`; SourceError when it is damaged or of another kind."""
        fold = cls.__new__(cls)
        memory: Any = unpack(cls.KIND, state, cls.FORM)
        fold.memory = memory
        return fold
