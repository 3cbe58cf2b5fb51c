"""The load: fifty users for two minutes, through nginx and TLS, against two instances on one PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.bodies import Scenario
from tests.drills.site import HOOK, ROOT, Site
from tests.support.postgresql import PostgreSQL
from tests.support.stories import without_uuids

USERS = 50
# Charts by size, and their share of the calls; nine of ten are out of scope.
SIZES = {10: 0.3, 500: 0.6, 2_000: 0.1}
IN_SCOPE = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(site: Site, cluster: PostgreSQL, folder: Path, seconds: int) -> dict[str, Any]:
    """What the users saw, and what it cost."""
    charts = list(_charts(site, folder))
    told = {"key": site.ehr.key.as_dict(private=True), "charts": charts}
    (folder / "told.json").write_text(json.dumps(told), "utf-8")
    processes = {
        "instance 1": site.instances[0].pid,
        "instance 2": site.instances[1].pid,
        "nginx": site.proxy.process.pid,
        "PostgreSQL": int((cluster.folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0]),
    }
    known, counted = site.recorded_cards(), site.counted()
    before = {name: _cpu_seconds(pid) for name, pid in processes.items()}
    _run_locust(site, folder, seconds)
    spent = {name: _cpu_seconds(pid) - before[name] for name, pid in processes.items()}
    memory = {name: _memory(pid) for name, pid in processes.items()}
    site.settle()
    found = json.loads((folder / "found.json").read_text("utf-8"))
    after, stored, recorded = site.counted(), site.stored_feedback(), site.recorded_cards() - known
    return {
        "users": USERS,
        "seconds": seconds,
        "calls": len(found["calls"]),
        "per_second": round(len(found["calls"]) / seconds, 1),
        "errors": dict(Counter(f"{name}: {error}" for name, _, error in found["calls"] if error)),
        "kinds": list(_kinds(found["calls"], {chart["name"]: chart["bytes"] for chart in charts})),
        "processes": [
            {"name": name, "core": round(spent[name] / seconds, 3), "memory_mb": round(memory[name], 1)}
            for name in processes
        ],
        "feedback": {
            "acknowledged": len(set(found["acknowledged"])),
            "stored": len(stored & set(found["acknowledged"])),
        },
        "shown": {"cards": len(set(found["shown"])), "recorded": len(recorded & set(found["shown"]))},
        "counted": {
            name: after[name] - counted[name]
            for name in ("shown_written_total", "shown_dropped_total", "tokens_unshared_total")
        },
    }


def _charts(site: Site, folder: Path) -> Iterator[dict[str, Any]]:
    """The charts, what an instance answers to each by itself, and how often they are opened."""
    for resources, share in SIZES.items():
        for in_scope, of_all in ((False, 1 - IN_SCOPE), (True, IN_SCOPE)):
            scenario = Scenario(resources, in_scope)
            request = json.loads(scenario.body())
            request.pop("extension")  # production evaluates at its own date
            body = json.dumps(request, separators=(",", ":")).encode()
            file = f"{resources}-{in_scope}.json"
            (folder / file).write_bytes(body)
            with site.caller(site.instances[0].address) as http:
                answer = http.post(HOOK, content=body, headers=site.signed(HOOK)).raise_for_status().json()
            if bool(answer["cards"]) is not in_scope:
                raise AssertionError(f"{scenario.name}: not what its name says")
            yield {
                "name": scenario.name,
                "file": file,
                "bytes": len(body),
                "weight": share * of_all,
                "expected": without_uuids(answer),
            }


def _run_locust(site: Site, folder: Path, seconds: int) -> None:
    command = [
        sys.executable, "-m", "locust", "--locustfile", "tests/drills/locustfile.py", "--headless", "--host",
        site.proxy.address, "--users", str(USERS), "--spawn-rate", "10", "--run-time", f"{seconds}s",
        "--stop-timeout", "20", "--only-summary", "--exit-code-on-error", "0",
    ]  # fmt: skip
    environment = dict(os.environ) | {"DRILLS_FOLDER": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds + 120)
    if done.returncode or not (folder / "found.json").exists():
        raise AssertionError(f"locust failed: {done.stderr}")


def _kinds(calls: list[tuple[str, float, str]], sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for name in [*sizes, "feedback", "discovery"]:
        times = sorted(milliseconds for kind, milliseconds, _ in calls if kind == name)
        if len(times) > 1:
            cuts = statistics.quantiles(times, n=100, method="inclusive")
            told = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": times[-1]}
            rounded = {key: round(milliseconds, 1) for key, milliseconds in told.items()}
            yield {"name": name, "bytes": sizes.get(name, 0), "calls": len(times)} | rounded


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split():
        yield from _tree(int(child))


def _cpu_seconds(pid: int) -> float:
    """What a process and its children have had of the processor, those that ended included."""
    total = 0
    for one in _tree(pid):
        after_its_name = Path(f"/proc/{one}/stat").read_text("utf-8").rpartition(")")[2].split()
        total += sum(int(ticks) for ticks in after_its_name[11:15])
    return total / _TICKS


def _memory(pid: int) -> float:
    """MB of a process and its children; what they share counts once."""
    total = 0
    for one in _tree(pid):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text("utf-8")
        total += sum(int(kibibytes) for kibibytes in re.findall(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE))
    return total * 1024 / 1e6
