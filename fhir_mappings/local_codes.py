"""A site's own codes, from a FHIR ConceptMap: each stands for a public code that the terminology knows.

FHIR: https://hl7.org/fhir/R4/conceptmap.html; R5, which says `relationship` instead of `equivalence`, is read as well.
Only an equivalent code is taken: one that is wider or narrower would make a result mean what it does not say.
# not read: sourceUri, targetUri and the other scopes (groups name their systems); group.unmapped (it is a guess).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from fhir_mappings.systems import PUBLIC_SYSTEMS
from fhir_mappings.terminology import Concept, Terminology

_EQUIVALENT: Final = frozenset({"equivalent", "equal"})
_MOST_PROBLEMS: Final = 20


class LocalCodesError(ValueError):
    """A ConceptMap that cannot be used; names every problem, with its line where there is one."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class LocalCode:
    """One of the site's codes and the public code that it stands for."""

    system: str
    code: str
    display: str | None
    target_system: str
    target_code: str


@dataclass(frozen=True, slots=True)
class IgnoredCode:
    """One of the site's codes that the file names and that is not taken, and why."""

    system: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)  # compared as the one file that it was read from
class LocalCodes:
    """The site's codes, checked against the terminology."""

    mapped: tuple[LocalCode, ...] = ()
    ignored: tuple[IgnoredCode, ...] = ()


NO_LOCAL_CODES: Final = LocalCodes()


def with_local_codes(terminology: Terminology, local: LocalCodes) -> Terminology:
    """The terminology in which each of the site's codes means what its public code means."""
    meaning = {(m.system, m.code): _meaning(terminology, m.target_system, m.target_code) for m in local.mapped}
    return replace(
        terminology,
        by_code={**terminology.by_code, **{key: concepts for key, (concepts, _, _) in meaning.items() if concepts}},
        sites={**terminology.sites, **{key: site for key, (_, site, _) in meaning.items() if site}},
        regions={**terminology.regions, **{key: region for key, (_, _, region) in meaning.items() if region}},
    )


def read_local_codes(text: str, terminology: Terminology) -> LocalCodes:
    """Read a ConceptMap; raises LocalCodesError naming every problem."""
    document = _parse(text)
    lines = _Lines.of(text, document)
    _require_concept_map(document, lines)
    problems: list[str] = []
    mapped: dict[tuple[str, str], LocalCode] = {}
    ignored: list[IgnoredCode] = []
    for at, group in enumerate(document.get("group") or ()):
        if problem := _problem_of_group(group):
            problems.append(f"{lines.where(at, 0)}{problem}")
            continue
        if group.get("unmapped"):
            ignored.append(IgnoredCode(_system(group, "source"), "unmapped", "a rule for all other codes is a guess"))
        for number, element in enumerate(group.get("element") or ()):
            for found in _of_element(group, element):
                if isinstance(found, IgnoredCode):
                    ignored.append(found)
                elif problem := _problem_of(found, mapped.get((found.system, found.code)), terminology):
                    problems.append(f"{lines.where(at, number)}{found.code}: {problem}")
                else:
                    mapped.setdefault((found.system, found.code), found)
    if problems:
        raise LocalCodesError(problems[:_MOST_PROBLEMS])
    return LocalCodes(tuple(mapped.values()), tuple(ignored))


def _meaning(terminology: Terminology, system: str, code: str) -> tuple[frozenset[Concept], str | None, str | None]:
    return (
        terminology.concepts(system, code),
        terminology.primary_site(system, code),
        terminology.lymph_node_region(system, code),
    )


def _parse(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise LocalCodesError([f"line {error.lineno}, column {error.colno}: {error.msg}"]) from error
    except RecursionError as error:
        raise LocalCodesError(["nested too deeply"]) from error
    except ValueError as error:
        raise LocalCodesError([str(error)]) from error
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if not isinstance(document, dict) or kind != "ConceptMap":
        raise LocalCodesError(["must be a FHIR ConceptMap"])
    return document


def _refuse(constant: str) -> None:
    """Python reads NaN and Infinity; JSON has neither."""
    raise ValueError(f"{constant} is not JSON")


def _require_concept_map(document: dict[str, Any], lines: _Lines) -> None:
    from fhir.resources.conceptmap import ConceptMap as R5
    from fhir.resources.R4B.conceptmap import ConceptMap as R4B

    if document.get("status") == "retired":
        raise LocalCodesError(["status: this ConceptMap is retired"])
    try:
        if _holds(document, "modifierExtension"):
            raise LocalCodesError(["modifierExtension: none is understood; it may turn a mapping into its opposite"])
        (R5 if _holds(document, "relationship") or _holds(document, "noMap") else R4B).model_validate(document)
    except ValidationError as error:
        raise LocalCodesError(list(_complaints(error, lines))) from error
    except RecursionError as error:
        raise LocalCodesError(["nested too deeply"]) from error


def _complaints(error: ValidationError, lines: _Lines) -> Iterator[str]:
    for complaint in error.errors(include_url=False, include_input=False, include_context=False)[:_MOST_PROBLEMS]:
        path = complaint["loc"]
        numbers = [part for part in path[:4] if isinstance(part, int)]
        where = lines.where(numbers[0], numbers[1] if len(numbers) > 1 else 0) if path[0] == "group" and numbers else ""
        yield f"{where}{'.'.join(map(str, path)) or 'ConceptMap'}: {complaint['msg']}"


def _holds(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return name in value or any(_holds(inner, name) for inner in value.values())
    return isinstance(value, list) and any(_holds(inner, name) for inner in value)


def _system(group: Mapping[str, Any], end: str) -> str:
    """The code system of one end of a group, as codes are looked up; R5 writes a canonical, perhaps with a version."""
    return str(group.get(end) or "").partition("|")[0].strip()


def _problem_of_group(group: Mapping[str, Any]) -> str | None:
    source = _system(group, "source")
    if not source:
        return "group.source: names no code system; a code without one is nobody's"
    if source in PUBLIC_SYSTEMS:
        return f"group.source: {source} is a public code system; its codes mean what they mean"
    return None


def _of_element(group: Mapping[str, Any], element: Mapping[str, Any]) -> Iterator[LocalCode | IgnoredCode]:
    system, code = _system(group, "source"), element.get("code")
    if code is None:
        yield IgnoredCode(system, "(no code)", "names no single code")
        return
    targets = element.get("target") or ()
    if not targets:
        yield IgnoredCode(system, code, "has no target")
    for target in targets:
        relation = target.get("equivalence") or target.get("relationship")
        if relation not in _EQUIVALENT:
            yield IgnoredCode(system, code, f"'{relation}' is not equivalent")
        elif target.get("dependsOn") or target.get("product"):
            yield IgnoredCode(system, code, "depends on more than the code")
        else:
            display = element.get("display")
            yield LocalCode(system, code, display, _system(group, "target"), str(target.get("code") or ""))


def _problem_of(found: LocalCode, before: LocalCode | None, terminology: Terminology) -> str | None:
    meaning = _meaning(terminology, found.target_system, found.target_code)
    if not any(meaning):
        target = f"{found.target_system or '(no system)'}|{found.target_code or '(no code)'}"
        return f"the target {target} is in none of our value sets"
    if before is not None and _meaning(terminology, before.target_system, before.target_code) != meaning:
        return f"stands for {before.target_code} and for {found.target_code}, which differ"
    return None


@dataclass(frozen=True, slots=True)
class _Lines:
    """The line of each element of each group, as far as its code can be found in the text."""

    of_element: Mapping[tuple[int, int], int]

    @classmethod
    def of(cls, text: str, document: Mapping[str, Any]) -> _Lines:
        """Find the codes in the order in which they stand."""
        found: dict[tuple[int, int], int] = {}
        position, line = 0, 1
        for at, group in enumerate(_dicts(document.get("group"))):
            for number, element in enumerate(_dicts(group.get("element"))):
                code = element.get("code")
                written = "|".join(re.escape(json.dumps(code, ensure_ascii=ascii_only)) for ascii_only in (True, False))
                match = re.compile(rf'"code"\s*:\s*(?:{written})').search(text, position)
                if match is not None:
                    line += text.count("\n", position, match.end())
                    position = match.end()
                    found[at, number] = line
        return cls(found)

    def where(self, group: int, element: int) -> str:
        """`line 12: `, or nothing where the line is not known."""
        line = self.of_element.get((group, element))
        return f"line {line}: " if line is not None else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    # What is no object is left in place as an empty one: the numbers are places in the file.
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
