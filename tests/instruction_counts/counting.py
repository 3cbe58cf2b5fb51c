"""How many instructions an answer takes, counted by callgrind; `counting.py` writes them down as the record.

A count does not depend on the machine's speed or load, only on the libraries, which are pinned, on the processor's
architecture, and on Python: its version, and how it was compiled. There is a record for each version and architecture,
made with one build; another build of them takes a tenth or a quarter fewer or more, so that little can be told there.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
RECORD = FOLDER / "record.json"
TOLERANCE, OF_ANOTHER_BUILD = 0.03, 0.30
_VERSION = ".".join(platform.python_version_tuple()[:2])
KIND = f"{platform.python_implementation()} {_VERSION} {platform.machine()}"
BUILD = f"{platform.python_version()}, {platform.python_compiler()}, {sysconfig.get_config_var('PY_CFLAGS')}"
RENEW = "a wanted change? Write it down with `.venv/bin/python -m tests.instruction_counts.counting`, and say why"


def count() -> dict[str, int]:
    """Instructions of one answer by what is counted; about half a minute."""
    from tests.instruction_counts.counted import COUNTED, TIMES

    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind", "--tool=callgrind", "--instr-atstart=no", "--toggle-collect=PyEval_EvalCode",
            "--dump-after=PyEval_EvalCode", f"--callgrind-out-file={folder}/counts",
            sys.executable, str(FOLDER / "counted.py"),
        ]  # fmt: skip
        # The same from run to run: the order of sets, and where nothing of the caller's environment is read.
        environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
        files = [Path(folder) / f"counts.{number}" for number in range(1, len(COUNTED) + 1)]
        totals = [re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE) for file in files]
    return {name: int(total[1]) // TIMES for name, total in zip(COUNTED, totals, strict=True) if total}


@dataclass(frozen=True)
class Record:
    """What was counted, and the build of Python that it was counted with."""

    build: str
    counts: Mapping[str, int]

    def complaints(self, counts: Mapping[str, int], build: str = BUILD) -> list[str]:
        """What differs by more than the tolerance; what became cheaper too, or it could be lost again unnoticed."""
        if counts.keys() != self.counts.keys():
            return [f"counted: {', '.join(counts)}; recorded: {', '.join(self.counts)}"]
        most, least = (TOLERANCE, -TOLERANCE) if build == self.build else (OF_ANOTHER_BUILD, -1.0)
        changes = {name: counts[name] / before - 1 for name, before in self.counts.items()}
        return [
            f"{name}: {self.counts[name]:,} instructions before, {counts[name]:,} now ({change:+.1%})"
            for name, change in changes.items()
            if not least <= change <= most
        ]


def read_record(kind: str = KIND) -> Record | None:
    """The record of a Python version and architecture; None if there is none."""
    content = _read().get(kind)
    return None if content is None else Record(content["build"], content["counts"])


def _read() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(RECORD.read_text("utf-8"))
    return content


def main() -> None:
    """Count, say what has changed, and write the counts down in place of what was recorded."""
    from tests.instruction_counts.counted import SLOWED_DOWN

    counts = {name: instructions for name, instructions in count().items() if name != SLOWED_DOWN}
    before = read_record()
    for line in before.complaints(counts) if before else ():
        print(line)
    content = _read() | {KIND: {"build": BUILD, "counts": counts}}
    RECORD.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
