"""A throwaway PostgreSQL from the system's own binaries, on a loopback port; it ends with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """The folder of PostgreSQL's own programs, which distributions do not put on the path."""
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    # A wrapper on the path may not know the others: the folder counts that holds them all.
    return next((place for place in places if all((place / name).exists() for name in ("initdb", "pg_ctl"))), None)


@dataclass(frozen=True)
class PostgreSQL:
    """A cluster; a database in it is made by name."""

    folder: Path
    port: int
    programs: Path
    user: str | None

    def url(self, database: str) -> str:
        """A fresh, empty database."""
        with psycopg.connect(f"postgresql://nelm@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return f"postgresql+psycopg://nelm@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, its connections with it."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def freeze(self) -> None:
        """Let it accept and never answer."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """The server and its children, by their ids."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        children = subprocess.run(["pgrep", "-P", str(server)], capture_output=True, text=True, check=False).stdout
        return [server, *map(int, children.split())]

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(self._as_user([str(self.programs / program), *arguments]), check=True, capture_output=True)

    def _as_user(self, command: Sequence[str]) -> list[str]:
        return list(command) if self.user is None else ["runuser", "-u", self.user, "--", *command]


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A fresh cluster. Raises LookupError where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        raise LookupError("PostgreSQL (initdb, pg_ctl) is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="nelm-cds-postgresql-") as folder:
        user = _user(Path(folder))
        cluster = PostgreSQL(Path(folder), port, programs, user)
        cluster._run("initdb", "-D", f"{folder}/data", "-U", "nelm", "-A", "trust", "-E", "UTF8", "--no-sync")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


def _user(folder: Path) -> str | None:
    """Whom it runs as: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, user)
    return user
