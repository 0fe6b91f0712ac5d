"""A Dask worker on which a package cannot be imported: `python bare_worker.py PACKAGE SCHEDULER`."""

import sys

from distributed.cli.dask_worker import main


class Missing:
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, Missing(sys.argv[1]))
    sys.path[:] = [one for one in sys.path if not one.endswith("tests/support")]
    main([sys.argv[2], "--no-nanny", "--no-dashboard", "--nthreads", "2", "--host", "127.0.0.1"])
