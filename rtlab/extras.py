"""What is not installed with rtlab alone: packages of its extras, imported where they are needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from rtlab.errors import LocalError, RtlabError


@contextmanager
def extra(name: str, package: str, what: str, error: type[RtlabError] = LocalError) -> Iterator[None]:
    """Import inside of it: where the module `package` is missing, `error` says that `what` needs the extra `name`.

    Any other import that fails is a fault of its own, and is raised as it is.
    """
    try:
        yield
    except ImportError as problem:
        if (problem.name or "").partition(".")[0] != package:
            raise
        raise _missing(name, package, what, error) from problem


def check_extra(name: str, package: str, what: str, error: type[RtlabError] = LocalError) -> None:
    """Raise what `extra` would, without importing: before something that takes long and would be in vain."""
    if find_spec(package) is None:
        raise _missing(name, package, what, error)


def _missing(name: str, package: str, what: str, error: type[RtlabError]) -> RtlabError:
    wanted = f"pip install 'rtlab[{name}]'"
    return error(f"{what} needs the package {package.replace('_', '-')}", expected=wanted)
