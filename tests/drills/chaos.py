"""The drills: something breaks while calls and feedback go on; what callers saw, and what of it is in the store.

Each is handed a running site, and how long a phase lasts: before, while it is broken, and after.
"""

from __future__ import annotations

import resource
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.drills.site import Instance, Site
from tests.drills.traffic import ACKNOWLEDGED, ANSWERED, ODD_SHAPE, WRONG, Traffic, going_on, summary
from tests.support.postgresql import PostgreSQL

Report = dict[str, Any]
_COUNTED = ("shown_written_total", "shown_dropped_total", "tokens_unshared_total")
SKEWS = {"2 minutes ahead": 120, "2 minutes behind": -120, "2 hours ahead": 7200, "2 hours behind": -7200}


@dataclass(frozen=True)
class Broken:
    """What is done, and what undoes it."""

    name: str
    does: Callable[[], None]
    undoes: Callable[[], None]


def drill(site: Site, broken: Broken, seconds: float) -> Report:
    """Break it while traffic goes on, mend it, and look into the store."""
    counted = site.counted()
    with going_on(site) as traffic:
        _last(seconds)
        traffic.turn("broken")
        broken.does()
        _last(seconds)
        traffic.turn("after")
        broken.undoes()
        _last(seconds)
    traffic.turn("end")
    site.settle()
    return _report(site, traffic, broken.name, counted)


def database_stopped(site: Site, cluster: PostgreSQL, seconds: float) -> Report:
    """PostgreSQL is stopped at once, its connections with it, and started again."""
    return drill(site, Broken("PostgreSQL stopped, then started", cluster.stop, cluster.start), seconds)


def database_silent(site: Site, cluster: PostgreSQL, seconds: float) -> Report:
    """PostgreSQL takes connections and never answers."""
    return drill(site, Broken("PostgreSQL silent (SIGSTOP), then awake", cluster.freeze, cluster.thaw), seconds)


def instance_killed(site: Site, seconds: float) -> Report:
    """One instance is killed at once, and started again as systemd does."""
    victim = site.instances[0]

    def back() -> None:
        victim.start()
        victim.wait_until_ready()

    return drill(site, Broken("One of two instances killed (kill -9), then started", victim.kill, back), seconds)


def proxy_reloaded(site: Site, seconds: float) -> Report:
    """nginx takes its configuration anew, over and over."""
    stop = threading.Event()

    def over_and_over() -> None:
        while not stop.wait(0.5):
            site.proxy.reload()

    reloading = threading.Thread(target=over_and_over, daemon=True)

    def end() -> None:
        stop.set()
        reloading.join()

    return drill(site, Broken("nginx reloaded twice a second", reloading.start, end), seconds)


def disk_full(site: Site, disk: Path, seconds: float) -> Report:
    """The disk of the SQLite store is full, then not; where it is none of its own, no file may grow instead."""
    ballast = disk / "ballast"

    def fill() -> None:
        if disk.is_mount():
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(b"\0" * 4096):
                        pass
                except OSError:
                    return
        for instance in site.instances:
            _allow(instance, 4096)

    def empty() -> None:
        ballast.unlink(missing_ok=True)
        if not disk.is_mount():
            for instance in site.instances:
                _allow(instance, resource.RLIM_INFINITY)

    return drill(site, Broken("The disk of the SQLite store full, then not", fill, empty), seconds)


def _allow(instance: Instance, file_size: int) -> None:
    hard = resource.prlimit(instance.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(instance.pid, resource.RLIMIT_FSIZE, (file_size, hard))


@contextmanager
def small_disk(folder: Path, megabytes: int = 32) -> Iterator[Path]:
    """A disk of its own; where none may be mounted a folder, and the size of files is limited instead."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield folder
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def callers_clock(site: Site, seconds: float, skews: Mapping[str, int] = SKEWS) -> list[Report]:
    """The clock of one caller is wrong, beside one whose clock is right."""
    reports = []
    for told, wrong_by in skews.items():
        before = site.counted()
        with going_on(site, clock_wrong_by=wrong_by, callers=1) as wrong, going_on(site, callers=1) as right:
            _last(seconds)
        site.settle()
        reports.append({
            "clock": f"a caller's, {told}",
            "its calls": wrong.of("before", "hook"),
            "others": right.of("before", "hook"),
            "refused as": _refused(before, site.counted()),
            "feedback": _feedback(site, wrong, right),
        })  # fmt: skip
    return reports


def services_clock(site: Site, seconds: float, skews: Mapping[str, int] = SKEWS) -> list[Report]:
    """The clock of one of two instances is wrong."""
    odd = site.instances[1]
    reports = []
    for told, wrong_by in skews.items():
        odd.stop()
        odd.start(clock_wrong_by=wrong_by)
        odd.wait_until_ready()
        before = site.counted()
        with going_on(site, callers=2) as traffic:
            _last(seconds)
        site.settle()
        reports.append({
            "clock": f"one instance's, {told}",
            "its calls": traffic.of("before", "hook"),
            "others": {},
            "refused as": _refused(before, site.counted()),
            "feedback": _feedback(site, traffic),
        })  # fmt: skip
    odd.stop()
    odd.start()
    odd.wait_until_ready()
    return reports


def faults(report: Report) -> list[str]:
    """What must not be, whatever breaks: feedback lost, an answer without its cards, silence, an error of odd shape."""
    name = report.get("name") or report["clock"]
    phases = report.get("phases") or [{"phase": "throughout", "hook": report["its calls"], "feedback": {}}]
    found = []
    if report["feedback"]["acknowledged_and_lost"]:
        found.append(f"{name}: {report['feedback']['acknowledged_and_lost']} acknowledged and lost")
    if report["feedback"]["acknowledged"] != report["feedback"]["stored"]:
        found.append(f"{name}: stored is not what was acknowledged")
    for phase in phases:
        seen = phase["hook"] | phase["feedback"]
        bad = [result for result in seen if result == WRONG or result.endswith(ODD_SHAPE)]
        found += [f"{name}, {phase['phase']}: {seen[result]} {result}" for result in bad]
        if "name" in report and not phase["hook"].get(ANSWERED):
            found.append(f"{name}, {phase['phase']}: no hook call was answered")
    if "name" in report and set(phases[0]["hook"] | phases[0]["feedback"]) != {ANSWERED, ACKNOWLEDGED}:
        found.append(f"{name}: something failed before anything was broken")
    return found


def _last(seconds: float) -> None:
    threading.Event().wait(seconds)


def _report(site: Site, traffic: Traffic, name: str, before: dict[str, float]) -> Report:
    counted = site.counted()
    recorded = site.recorded_cards()
    return {
        "name": name,
        "phases": summary(traffic, {"before": "before", "broken": "meanwhile", "after": "afterwards"}),
        "longest_pause": round(traffic.longest_pause("broken", "after"), 2),
        "feedback": _feedback(site, traffic),
        "shown": {
            "cards": len(traffic.shown),
            "recorded": len(traffic.shown & recorded),
            # A restarted instance counts from nought: then there is nothing to compare with.
            "counted": {name: counted[name] - before[name] for name in _COUNTED if counted[name] >= before[name]},
        },
        "refused as": _refused(before, counted),
    }


def _feedback(site: Site, *traffics: Traffic) -> dict[str, int]:
    stored = site.stored_feedback()
    sent = set[str]().union(*(traffic.sent for traffic in traffics))
    acknowledged = set[str]().union(*(traffic.acknowledged for traffic in traffics))
    return {
        "sent": len(sent),
        "acknowledged": len(acknowledged),
        "stored": len(sent & stored),
        "acknowledged_and_lost": len(acknowledged - stored),
    }


def _refused(before: dict[str, float], after: dict[str, float]) -> dict[str, int]:
    prefix = "refused_callers_total "
    counts = {name: int(value - before.get(name, 0)) for name, value in after.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): count for name, count in sorted(counts.items()) if count > 0}
