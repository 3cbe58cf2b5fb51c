/** The state that the pages share: a chart as text, what was changed of it, and what the service answers. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { EvaluateBody, WhatIf } from "./contract";
import { parse, placeOf, type Complaint } from "./json";
import { evaluate, type Outcome, type Refusal } from "./service";

/** Long enough that a word can be typed, short enough to feel immediate. */
const PAUSE_MS = 250;

export interface Chart {
  readonly text: string;
  readonly asOf: string;
  readonly whatIf: WhatIf;
}

export interface Evaluating {
  /** What is posted; null while there is no chart, or none that is JSON. */
  readonly body: EvaluateBody | null;
  readonly broken: Complaint | null;
  /** Of this chart; null while another one is being asked about. */
  readonly outcome: Outcome | null;
  /** True while the answer to a changed fact of the same chart is awaited: the outcome is the one before. */
  readonly pending: boolean;
}

/** Evaluates the chart whenever it changes; an answer to one chart is never shown for another. */
export function useEvaluation(chart: Chart | null): Evaluating {
  const parsed = useMemo(() => (chart && chart.text.trim() !== "" ? parse(chart.text) : null), [chart?.text]);
  const broken = parsed?.complaint ?? null;
  const body = useMemo<EvaluateBody | null>(() => {
    if (!chart || !parsed || parsed.complaint) return null;
    return {
      input: parsed.value,
      ...(chart.asOf ? { as_of: chart.asOf } : {}),
      ...(Object.keys(chart.whatIf).length > 0 ? { what_if: chart.whatIf } : {}),
    };
  }, [parsed, chart?.asOf, chart?.whatIf]);
  const [answered, setAnswered] = useState<{ body: EvaluateBody; outcome: Outcome } | null>(null);

  useEffect(() => {
    if (body === null) return;
    const call = new AbortController();
    const pause = setTimeout(() => {
      evaluate(body, call.signal).then(
        (outcome) => setAnswered({ body, outcome }),
        () => undefined, // called off: a later chart is being asked about
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(pause);
      call.abort();
    };
  }, [body]);

  const sameChart = answered !== null && body !== null && answered.body.input === body.input;
  return { body, broken, outcome: sameChart ? answered.outcome : null, pending: sameChart && answered.body !== body };
}

const POINTER = /^(\/\S*?):? (.*)$/s;

/** What a refusal says of places in the text, of changed facts, and of neither. */
export function placed(
  refusal: Refusal,
  text: string,
): {
  readonly inText: readonly Complaint[];
  readonly ofFacts: ReadonlyMap<string, string>;
  readonly elsewhere: readonly string[];
} {
  const inText: Complaint[] = [];
  const ofFacts = new Map<string, string>();
  const elsewhere: string[] = [];
  for (const line of refusal.lines) {
    const [, pointer, message] = POINTER.exec(line) ?? [];
    const fact = /^\/what_if\/(\w+)/.exec(pointer ?? "")?.[1];
    const place = pointer === undefined || fact ? null : placeOf(text, pointer.replace(/^\/input(?=\/|$)/, ""));
    if (fact) ofFacts.set(fact, message ?? line);
    else if (place) inText.push({ ...place, message: line });
    else elsewhere.push(line);
  }
  return { inText, ofFacts, elsewhere };
}
