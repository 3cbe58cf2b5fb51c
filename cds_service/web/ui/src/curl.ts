/** The call that a page made, as a command for a terminal. */

import type { EvaluateBody } from "./contract";

/** True for what the hook itself takes; a Bundle, or a changed fact, is for the pages alone. */
export function isHookRequest(input: unknown): boolean {
  return typeof input === "object" && input !== null && "hook" in input && "context" in input;
}

/** The command; the JSON stands in a quoted here-document, so that no shell reads it. */
export function asCurl(body: EvaluateBody, origin: string): string {
  const toHook = isHookRequest(body.input) && body.what_if === undefined && body.as_of === undefined;
  const path = toHook ? "/cds-services/nelm-patient-view" : "/web/evaluate";
  const json = JSON.stringify(toHook ? body.input : body, null, 2);
  const head = `curl --silent --show-error '${origin}${path}' --header 'Content-Type: application/json'`;
  return `${head} --data-binary @- <<'JSON'\n${json}\nJSON\n`;
}
