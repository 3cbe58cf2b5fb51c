"""`make mutation`: break the protocol's code in every small way, and see that a test notices each time.

Works on copies of the tree below build/mutation, one per processor, never on the tree itself. Prints a table, lists the
survivors with the reason each is equivalent (survivors.toml), and fails below 95 % or on a survivor without a reason.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "mutation"
REASONS = Path(__file__).with_name("survivors.toml")
AT_LEAST_PERCENT = 95.0

MODULES = (
    "cds_service/guidelines/nelm_2006/rules.py",
    "cds_service/guidelines/nelm_2006/pathway.py",
    "cds_service/guidelines/nelm_2006/local.py",
    "cds_service/guidelines/nelm_2006/systemic.py",
    "cds_service/guidelines/nelm_2006/thresholds.py",
    "cds_service/guidelines/nelm_2006/order.py",
    "cds_service/reasoning/advice.py",
    "cds_service/reasoning/compare.py",
    "cds_service/reasoning/decision.py",
    "cds_service/reasoning/graph.py",
    "cds_service/reasoning/markdown.py",
    "cds_service/reasoning/truth.py",
)
# The quick ones first: most mutants die in them.
TESTS = (
    "tests/unit/test_truth.py", "tests/unit/test_compare.py", "tests/unit/test_graph.py", "tests/unit/test_decision.py",
    "tests/unit/test_markdown.py", "tests/unit/test_make_cards.py", "tests/architecture/test_values.py", "tests/spec",
    "tests/unit/test_intake.py", "tests/unit/test_intake_scope.py", "tests/unit/test_policy.py",
)  # fmt: skip
_CONFIG = """\
[cosmic-ray]
module-path = [{modules}]
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider --no-header {tests}"
[cosmic-ray.distributor]
name = "local"
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to the code, and whether a test noticed."""

    module: str
    operator: str
    line: str
    killed: bool

    @property
    def key(self) -> str:
        """What names a survivor in survivors.toml; the line's text, because numbers move."""
        return f"{self.module} | {self.operator} | {self.line}"


def main() -> int:
    """Run every mutant and report; 0 if enough were killed and every survivor has its reason."""
    workers = max(1, cpu_count() or 1)
    shutil.rmtree(BUILD, ignore_errors=True)
    with ThreadPoolExecutor(workers) as pool:
        parts = [MODULES[n::workers] for n in range(workers)]
        mutants = [m for found in pool.map(_run, range(workers), parts) for m in found]
    return _report(mutants)


def _run(number: int, modules: tuple[str, ...]) -> list[Mutant]:
    folder = BUILD / str(number)
    _copy(folder)
    listed = ", ".join(f'"{module}"' for module in modules)
    config = _CONFIG.format(modules=listed, python=sys.executable, tests=" ".join(TESTS))
    (folder / "mutation.toml").write_text(config, "utf-8")
    tool = str(Path(sys.executable).with_name("cosmic-ray"))
    # Without this a test file that is not there would "kill" every mutant.
    subprocess.run([tool, "baseline", "mutation.toml"], cwd=folder, check=True)
    for step in ("init", "exec"):
        subprocess.run([tool, step, "mutation.toml", "mutation.sqlite"], cwd=folder, check=True)
    return _results(folder)


def _copy(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def _results(folder: Path) -> list[Mutant]:
    query = (
        "select s.module_path, s.operator_name, s.start_pos_row, w.test_outcome from mutation_specs s "
        "join work_results w on w.job_id = s.job_id"
    )
    with sqlite3.connect(folder / "mutation.sqlite") as store:
        rows = store.execute(query).fetchall()
    return [
        Mutant(module, operator.removeprefix("core/"), _line(module, row), outcome != "SURVIVED")
        for module, operator, row, outcome in rows
    ]


def _line(module: str, row: int) -> str:
    return (ROOT / module).read_text("utf-8").splitlines()[row - 1].strip()


def _report(mutants: list[Mutant]) -> int:
    reasons: dict[str, str] = tomllib.loads(REASONS.read_text("utf-8"))
    total, killed = Counter(m.module for m in mutants), Counter(m.module for m in mutants if m.killed)
    for module in sorted(total):
        print(f"{module:52} {killed[module]:4} of {total[module]:4} killed")
    rate = 100 * sum(killed.values()) / len(mutants)
    print(f"{'all':52} {sum(killed.values()):4} of {len(mutants):4} killed, {rate:.1f} %")
    unexplained = 0
    for survivor in sorted({m.key for m in mutants if not m.killed}):
        reason = reasons.get(survivor)
        unexplained += reason is None
        print(f"survived: {survivor}\n          {reason or 'NO REASON GIVEN'}")
    return 0 if rate >= AT_LEAST_PERCENT and not unexplained else 1


if __name__ == "__main__":
    sys.exit(main())
