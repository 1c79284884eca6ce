"""A PostgreSQL server for tests, and the fixture that runs a test on SQLite and on PostgreSQL.

`database` is a location for a ledger: a file, then the URL of a new and empty PostgreSQL database. `postgresql` is
the latter alone, and `postgresql_server` is the server, for a test that stops it. Each process of tests has a server
of its own, started when the first test asks for it. Without PostgreSQL these tests are skipped, and the last lines of
the run say so.
"""

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MISSING = "PostgreSQL is not installed"


class Server:
    """A PostgreSQL server on a Unix socket in a folder that nobody else can read; both go when this process ends."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        # PostgreSQL refuses to run as root.
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "postgres", "postgres")
        # Reads until this process closes the pipe or is killed. Who waits for the end of stderr waits for all of it.
        script = 'read -r _; "$1/pg_ctl" stop --mode immediate --pgdata "$2/data" 2>/dev/null; rm -rf "$2"'
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", script, "keeper", binaries, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._user,
        )
        self._running = False
        self._numbers = itertools.count(1)
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start the server, unless it runs, and wait until it accepts connections."""
        if not self._running:
            options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
            self._run("pg_ctl", "start", "--wait", f"--log={self.folder}/log", f"--options={options}")
            self._running = True

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, if it runs: `fast` ends every connection, `immediate` is a crash that it recovers from."""
        if self._running:
            self._run("pg_ctl", "stop", "--wait", f"--mode={mode}")
            self._running = False

    def restart(self, mode: str = "fast") -> None:
        """Stop the server, and start it again."""
        self.stop(mode)
        self.start()

    def create(self) -> str:
        """Create an empty database, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Drop a database, with the connections that a test left open."""
        self._execute(f"DROP DATABASE {re.search('test_[0-9]+', url)[0]} WITH (FORCE)")

    def empty(self, url: str) -> None:
        """Make a database as empty as a new one, in a tenth of the time, and end the connections that are left."""
        name = re.search("test_[0-9]+", url)[0]
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid();"
            f"ALTER DATABASE {name} RESET ALL; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
            name,
        )

    def close(self) -> None:
        """Stop the server, and remove its folder."""
        self._keeper.communicate()

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def _execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        self.start()
        with psycopg.connect(self._url(database), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.binaries / program, *arguments, f"--pgdata={self.folder}/data"]
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **self._user,
            check=False,
        )
        assert run.returncode == 0, f"{program} {' '.join(arguments)}\n{run.stdout}{run.stderr}"


def binaries() -> Path | None:
    """The folder with the programs of PostgreSQL: on PATH, or the newest of Debian's, which are not on PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else None


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    found = binaries()
    if found is None:
        pytest.skip(_MISSING)
    server = Server(found)
    yield server
    server.close()


@pytest.fixture(scope="session")
def _postgresql_database(postgresql_server: Server) -> str:
    return postgresql_server.create()


@pytest.fixture
def postgresql(postgresql_server: Server, _postgresql_database: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    yield _postgresql_database
    postgresql_server.empty(_postgresql_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger can be: a file that does not exist yet, then an empty PostgreSQL database."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else request.getfixturevalue("postgresql")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{_MISSING}: {len(skipped)} tests were SKIPPED.", red=True, bold=True)
