"""A throw-away PostgreSQL for a test: the server of `CDP_TEST_POSTGRES_URL`, or one of this machine's binaries."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

PASSWORD = "not-the-real-one"


@dataclass(frozen=True)
class Server:
    """Where a PostgreSQL listens.

    Args:
        url: `postgresql://host:port/database`.
        user: may create tables.
        password: of the user.
        psql: the command.
    """

    url: str
    user: str
    password: str
    psql: str

    @property
    def jdbc_url(self) -> str:
        return f"jdbc:{self.url}"

    def execute(self, statements: str) -> None:
        environment = {**os.environ, "PGUSER": self.user, "PGPASSWORD": self.password}
        command = [self.psql, self.url, "-q", "-v", "ON_ERROR_STOP=1", "-c", statements]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def any_server() -> Iterator[Server]:
    """The named server, or a new one that ends with the block; skips the test where there is neither."""
    named = os.environ.get("CDP_TEST_POSTGRES_URL")
    psql = _binary("psql")
    if named:
        if psql is None:
            pytest.skip("psql is not installed (Debian: apt-get install postgresql-client)")
        parts = urlsplit(named.removeprefix("jdbc:"))
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        user, password = given.get("user", parts.username or ""), given.get("password", parts.password or "")
        host = parts.netloc.rpartition("@")[2]
        yield Server(urlunsplit((parts.scheme, host, parts.path, "", "")), user, password, psql)
        return
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None or psql is None:
        pytest.skip("no PostgreSQL: set CDP_TEST_POSTGRES_URL, or install one (Debian: apt-get install postgresql)")
    with _new_server(initdb, pg_ctl, psql) as server:
        yield server


@contextlib.contextmanager
def _new_server(initdb: str, pg_ctl: str, psql: str) -> Iterator[Server]:
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="cdp-postgres-"))
    try:
        secret, data, log = folder / "password", folder / "data", folder / "log"
        secret.write_text(PASSWORD, encoding="utf-8")
        if owner is not None:
            for path in (folder, secret):
                os.chown(path, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
        _run([initdb, "-D", str(data), "-U", "cdp", "-A", "scram-sha-256", "--pwfile", str(secret)], owner, folder)
        port = _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run([pg_ctl, "-D", str(data), "-l", str(log), "-o", options, "-w", "start"], owner, folder)
        try:
            yield Server(f"postgresql://127.0.0.1:{port}/postgres", "cdp", PASSWORD, psql)
        finally:
            _run([pg_ctl, "-D", str(data), "-m", "immediate", "stop"], owner, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], owner: str | None, folder: Path) -> None:
    subprocess.run(command, user=owner, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)


def _owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"


def _binary(name: str) -> str | None:
    """The newest of Debian's versions, which are not on the path, or what is on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4].split(".")[0]))
    return str(found[-1]) if found else shutil.which(name)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
