"""`make drills`: the load, then everything that may break, then docs/drills.md; exit 1 if what must not be was seen."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cds_service import __version__
from tests.drills import chaos, load, page
from tests.drills.site import running_site
from tests.support.nginx import INSTALL, program
from tests.support.postgresql import binaries, running_postgresql


def main() -> int:
    """Run all of it, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load-seconds", type=int, default=120)
    parser.add_argument("--phase-seconds", type=float, default=10)
    parser.add_argument("--not-published", action="store_true", help="leave docs/drills.md as it is")
    told = parser.parse_args()
    nginx, postgresql = program(), binaries()
    if nginx is None or postgresql is None:
        print(INSTALL if nginx is None else "PostgreSQL is not installed: apt-get install postgresql", file=sys.stderr)
        return 1
    made = _made(nginx, postgresql)
    with tempfile.TemporaryDirectory(prefix="nelm-cds-drills-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        figures = {"made": made} | _on_postgresql(folder, told.load_seconds, told.phase_seconds)
        figures["chaos"].append(_on_sqlite(folder, told.phase_seconds))
    if not told.not_published:
        page.write(figures)
    found = [f"load: {count} {error}" for error, count in figures["load"]["errors"].items()]
    if figures["load"]["feedback"]["acknowledged"] != figures["load"]["feedback"]["stored"]:
        found.append("load: stored is not what was acknowledged")
    found += [fault for report in (*figures["chaos"], *figures["clocks"]) for fault in chaos.faults(report)]
    print("\n".join(found) or "nothing was seen that must not be")
    return bool(found)


def _on_postgresql(folder: Path, load_seconds: int, phase_seconds: float) -> dict[str, Any]:
    own = folder / "postgresql"
    own.mkdir()
    with running_postgresql() as cluster, running_site(own, cluster.url("drills")) as site:
        _say(f"load, {load_seconds} s")
        loaded = load.measure(site, cluster, own, load_seconds)
        _say("PostgreSQL stopped")
        reports = [chaos.database_stopped(site, cluster, phase_seconds)]
        _say("PostgreSQL silent")
        reports.append(chaos.database_silent(site, cluster, phase_seconds))
        _say("an instance killed")
        reports.append(chaos.instance_killed(site, phase_seconds))
        _say("nginx reloaded")
        reports.append(chaos.proxy_reloaded(site, phase_seconds))
        _say("clocks")
        clocks = chaos.callers_clock(site, phase_seconds / 2) + chaos.services_clock(site, phase_seconds / 2)
    return {"load": loaded, "chaos": reports, "clocks": clocks}


def _on_sqlite(folder: Path, phase_seconds: float) -> chaos.Report:
    own = folder / "sqlite"
    own.mkdir()
    _say("the disk full")
    with chaos.small_disk(folder / "disk") as disk, running_site(own, f"sqlite:///{disk}/store.db") as site:
        return chaos.disk_full(site, disk, phase_seconds)


def _say(what: str) -> None:
    print(f"drill: {what}", file=sys.stderr)


def _made(nginx: str, postgresql: Path) -> dict[str, Any]:
    of_nginx = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    of_postgresql = subprocess.run([postgresql / "initdb", "--version"], capture_output=True, text=True, check=True)
    (number,) = re.findall(r"\d+\.\d+", of_postgresql.stdout)[:1]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "nginx": of_nginx.strip().rpartition(": ")[2].replace("/", " "),
        "postgresql": number,
        "locust": version("locust"),
    }


if __name__ == "__main__":
    sys.exit(main())
