/** The calls to this service; the pages call nothing else. */

import type { EvaluateBody, Evaluation, Guideline, PageSettings, Story } from "./contract";

/** An answer that is no evaluation: its HTTP status, and what it says, one line for each issue. */
export interface Refusal {
  readonly status: number;
  readonly lines: readonly string[];
  readonly body: unknown;
}

export type Outcome =
  | { readonly evaluation: Evaluation; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly evaluation?: never };

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return (await answer.json()) as T;
}

export const guideline = (): Promise<Guideline> => get("/web/guideline.json");
export const stories = (): Promise<readonly Story[]> => get("/web/stories.json");
export const story = (name: string): Promise<unknown> => get(`/web/stories/${encodeURIComponent(name)}.json`);
export const pageSettings = (): Promise<PageSettings> => get("/web/settings.json");

/** Evaluates one chart; what the service refuses, or a service that cannot be reached, is a refusal, never silence. */
export async function evaluate(body: EvaluateBody, signal?: AbortSignal): Promise<Outcome> {
  try {
    const answer = await fetch("/web/evaluate", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
    const content: unknown = await answer.json().catch(() => null);
    if (answer.ok && content !== null) return { evaluation: content as Evaluation };
    return { refusal: { status: answer.status, lines: linesOf(content), body: content } };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { refusal: { status: 0, lines: ["The service cannot be reached."], body: null } };
  }
}

/** What an OperationOutcome says, one line for each issue. */
export function linesOf(content: unknown): readonly string[] {
  const issues = (content as { issue?: readonly { diagnostics?: unknown }[] } | null)?.issue ?? [];
  const lines = issues.map((issue) => issue.diagnostics).filter((line) => typeof line === "string");
  return lines.length > 0 ? lines : ["The service gave no reason."];
}
