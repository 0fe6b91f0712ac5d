"""An S3 server on loopback, in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pyarrow.fs as pafs
from support.recorded import missing

BUCKET = "rows"


@contextmanager
def s3_server() -> Iterator[str]:
    """Give the URL of an empty bucket."""
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        missing("no moto with flask and flask-cors")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, port)
            keys = {"access_key": "test", "secret_key": "test", "region": "us-east-1"}
            files = pafs.S3FileSystem(
                **keys, scheme="http", endpoint_override=f"127.0.0.1:{port}", allow_bucket_creation=True
            )
            files.create_dir(BUCKET)
            query = "&".join(f"{name}={value}" for name, value in keys.items())
            yield f"s3://{BUCKET}/market?endpoint=http://127.0.0.1:{port}&{query}"
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            assert process.poll() is None, "the S3 server has ended"
            assert time.monotonic() < end, "the S3 server did not come up"
            time.sleep(0.05)
