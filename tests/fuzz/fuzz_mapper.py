"""The coverage-guided part of `make fuzz`: one input, one check of every promise; findings are kept and it goes on.

Started by `tests.fuzz.run` with libFuzzer's own arguments after the folder for findings.
"""

from __future__ import annotations

import hashlib
import random
import sys
import traceback
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # only in the fuzzer's own environment

with atheris.instrument_imports(include=["cds_service", "fhir_mappings"]):
    from tests.fuzz import mutations
    from tests.fuzz.promises import broken

ROOT = Path(__file__).parents[2]
PLAIN_BYTES_SHARE = 0.15


def fuzz_mapper(argv: list[str]) -> None:
    """Try inputs until libFuzzer's time is up."""
    folder = Path(argv.pop(1))

    def one_input(data: bytes) -> None:
        try:
            complaints = broken(data)
        except Exception as error:  # whatever is raised is the finding
            _keep(folder, _place(error), traceback.format_exc(), data)
        else:
            for complaint in complaints:
                _keep(folder, complaint[:30], complaint, data)

    atheris.Setup(argv, one_input, custom_mutator=mutated, custom_crossover=crossed)
    atheris.Fuzz()


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """The input changed as a JSON value, or now and then as plain bytes."""
    chosen = random.Random(seed)  # noqa: S311 - picks a test case
    if chosen.random() >= PLAIN_BYTES_SHARE:
        try:
            changed = mutations.dump(mutations.mutate(mutations.load(data), chosen))
        except (ValueError, RecursionError, TypeError):
            changed = b""
        if 0 < len(changed) <= max_size:
            return changed
    plain: bytes = atheris.Mutate(data, max_size)
    return plain


def crossed(one: bytes, other: bytes, max_size: int, seed: int) -> bytes:
    """One input with a piece of another."""
    chosen = random.Random(seed)  # noqa: S311 - picks a test case
    try:
        value, donor = mutations.load(one), mutations.load(other)
        (container, key), (source, place) = (chosen.choice(list(mutations.places(v))) for v in (value, donor))
        container[key] = source[place]
        changed = mutations.dump(value)
    except (ValueError, RecursionError, TypeError, IndexError):
        return one[:max_size]
    return changed if len(changed) <= max_size else one[:max_size]


def _place(error: Exception) -> str:
    """What a fault is known by: its type and the last line of ours that it came through."""
    ours = [
        f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(ROOT / "tests") is False
    ]
    ours = [f for f in ours if Path(f.filename).is_relative_to(ROOT) and ".venv" not in f.filename]
    last = ours[-1] if ours else None
    return f"{type(error).__name__} {last.filename}:{last.name}" if last else type(error).__name__


def _keep(folder: Path, kind: str, said: str, data: bytes) -> None:
    """Keep the shortest input of each kind of finding, with what was said of it."""
    name = hashlib.sha256(kind.encode()).hexdigest()[:12]
    kept = folder / f"{name}.json"
    if not kept.exists() or kept.stat().st_size > len(data):
        kept.write_bytes(data)
        (folder / f"{name}.txt").write_text(said, "utf-8", errors="backslashreplace")


if __name__ == "__main__":
    fuzz_mapper(sys.argv)
