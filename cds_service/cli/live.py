"""`nelm-cds replay --fhir-server`: patients of a live FHIR server, read and evaluated as the hook does it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from rich.console import Console

from cds_service.cli.replay import Result, outcome, put_out
from cds_service.clock import now
from cds_service.decide import Evaluation
from cds_service.errors import RequestError
from cds_service.fhir_base import BadBaseError, FhirBase
from cds_service.fhir_client import FhirClient, Limits
from cds_service.http.answer import evaluate_request, read_call, retrieve_missing
from cds_service.http.services import HOOK
from cds_service.http.wire import AS_OF_EXTENSION
from cds_service.settings import Settings


class BadServerError(Exception):
    """A server or a token file that cannot be used; the message repeats no token."""


def run(
    server: str,
    patients: Sequence[str],
    token_file: Path | None,
    settings: Settings,
    *,
    as_json: bool,
    explain: bool,
    as_of: str | None,
) -> int:
    """Evaluate every patient and print the results; 0 if all were read, 1 if one was not, 2 without server or token."""
    messages = Console(stderr=True)
    try:
        base, token = _base(server), _token(token_file)
    except BadServerError as error:
        messages.print(f"nelm-cds: {error}", markup=False, soft_wrap=True, highlight=False)
        return 2
    out = Console(highlight=False)

    async def all_of_them() -> int:
        failed = 0
        async for result in _results(base, token, patients, settings, as_of):
            put_out(result, out, as_json=as_json, explain=explain)
            failed += result.error is not None
        return failed

    return 1 if asyncio.run(all_of_them()) else 0


async def _results(
    base: str, token: str | None, patients: Sequence[str], settings: Settings, as_of: str | None
) -> AsyncIterator[Result]:
    # Who names the server on the command line has allowed it; everything else holds as for a call.
    limits = Limits(budget_seconds=settings.fhir_budget_seconds, request_seconds=settings.fhir_request_seconds)
    async with FhirClient((base,), production=settings.production, limits=limits) as fhir:
        for patient in patients:
            yield await _result(_request(base, token, patient, as_of), patient, settings, fhir)


async def _result(body: bytes, patient: str, settings: Settings, fhir: FhirClient) -> Result:
    where = Path("Patient") / patient
    try:
        call = read_call(body, settings.local_codes)
    except RequestError as error:
        return Result(where, patient, error.status, None, [], str(error))
    retrieval = await retrieve_missing(call, fhir)

    def evaluate() -> Evaluation:
        return evaluate_request(call.request, settings, now(), retrieval, call.sent)

    return outcome(where, patient, evaluate)


def _request(base: str, token: str | None, patient: str, as_of: str | None) -> bytes:
    """The call that an EHR makes which prefetches nothing."""
    request: dict[str, object] = {
        "hook": HOOK,
        "hookInstance": "replay",
        "fhirServer": base,
        "context": {"userId": "Practitioner/replay", "patientId": patient},
    }
    if token is not None:
        request["fhirAuthorization"] = {"access_token": token}
    if as_of is not None:
        request["extension"] = {AS_OF_EXTENSION: as_of}
    return json.dumps(request).encode()


def _base(server: str) -> str:
    try:
        return FhirBase.parse(server).url
    except BadBaseError as error:
        raise BadServerError(f"--fhir-server {error}") from error


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadServerError(f"--token-file {file}: cannot be read ({type(error).__name__})") from None
    if not token:
        raise BadServerError(f"--token-file {file}: is empty")
    return token
