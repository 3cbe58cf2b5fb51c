"""`make fuzz`: coverage-guided fuzzing of the whole pure path for a while, then what was tried and what was found.

Below build/fuzz: `corpus` grows from run to run, `seeds` is made anew from the fixtures, `findings` holds the shortest
input of each kind of finding beside what was said of it. Exit 1 on a finding.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import seeds_of_fixtures

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
MOST_BYTES = 40_000  # a whole story and some more: what is longer than this is cut off, and no JSON any more
_FIGURES = re.compile(r"#(?P<tried>\d+).*cov: (?P<edges>\d+) ft: (?P<features>\d+) corp: (?P<kept>\d+)")
_RATE = re.compile(r"exec/s: (\d+)")


def main() -> int:
    """Fuzz for as long as was asked, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    seconds = parser.parse_args().seconds
    corpus, seeds, findings = (BUILD / name for name in ("corpus", "seeds", "findings"))
    for folder in (seeds, findings):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (corpus, seeds, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds_of_fixtures():
        (seeds / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    ended = _fuzz(corpus, seeds, findings, seconds)
    return _report(findings, ended)


def _fuzz(corpus: Path, seeds: Path, findings: Path, seconds: int) -> int:
    command = [
        sys.executable, "-m", "tests.fuzz.fuzz_mapper", str(findings), str(corpus), str(seeds),
        f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=20", "-rss_limit_mb=3000", "-len_control=0",
        f"-artifact_prefix={findings}/",
    ]  # fmt: skip
    last, rate = None, "?"
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as fuzzer:
        for line in fuzzer.stderr or ():
            if figures := _FIGURES.search(line):
                last, rate = figures, (_RATE.search(line) or [rate, rate])[1]
            if not figures or any(word in line for word in ("pulse", "INITED", "DONE")):
                print(line.rstrip(), file=sys.stderr)
    if last is None:
        print("nothing was tried: the fuzzer did not start")
        return fuzzer.returncode or 1
    print(
        f"{last['tried']} inputs tried, {rate} a second; {last['edges']} edges and {last['features']} features of the"
    )
    print(f"code covered, {last['kept']} inputs kept in {corpus.relative_to(ROOT)}")
    return fuzzer.returncode


def _report(findings: Path, ended: int) -> int:
    """Every finding with its input; 0 if there is none and the fuzzer ended by itself."""
    kept = sorted(path for path in findings.iterdir() if path.suffix != ".txt")
    for path in kept:
        said = path.with_suffix(".txt")
        print(f"\nFOUND {path.relative_to(ROOT)} ({path.stat().st_size} bytes)")
        print(said.read_text("utf-8") if said.is_file() else "the fuzzer stopped on it: too slow, or too much memory")
    print(f"{len(kept)} findings" + (f"; the fuzzer ended with {ended}" if ended else ""))
    return 1 if kept or ended else 0


if __name__ == "__main__":
    sys.exit(main())
