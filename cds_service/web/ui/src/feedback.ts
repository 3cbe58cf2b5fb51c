/** What became of a card, told to the service as an EHR tells it: https://cds-hooks.hl7.org/2.0/#feedback */

import type { Card, OverrideReason, Suggestion } from "./contract";
import { linesOf } from "./service";

/** A feedback call and its answer; status 0 where none came. */
export interface Sent {
  readonly path: string;
  readonly body: { readonly feedback: readonly object[] };
  readonly status: number;
  readonly lines: readonly string[];
}

const now = (): string => new Date().toISOString();

export const accepted = (card: Card, suggestion: Suggestion): object => ({
  card: card.uuid,
  outcome: "accepted",
  acceptedSuggestions: [{ id: suggestion.uuid }],
  outcomeTimestamp: now(),
});

export const overridden = (card: Card, reason: OverrideReason): object => ({
  card: card.uuid,
  outcome: "overridden",
  overrideReason: { reason },
  outcomeTimestamp: now(),
});

/** Posts one entry; whatever comes of it is told, never thrown. */
export async function send(path: string, entry: object): Promise<Sent> {
  const body = { feedback: [entry] };
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const lines = answer.ok ? [] : linesOf(await answer.json().catch(() => null));
    return { path, body, status: answer.status, lines };
  } catch {
    return { path, body, status: 0, lines: ["The service cannot be reached."] };
  }
}
