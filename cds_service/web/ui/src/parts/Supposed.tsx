/** What of an answer is supposed and not from the chart; it stands wherever such an answer is shown. */

import type { VNode } from "preact";
import type { Evaluation, InputReading, Step } from "../contract";

/** The facts that were supposed, in one line: `Ki-67 16 %, receptor scan unknown`; empty where there are none. */
export const supposedFacts = (evaluation: Evaluation): string =>
  evaluation.inputs
    .filter((fact) => fact.changed)
    .map((fact) => `${fact.label} ${fact.text ?? "unknown"}`)
    .join(", ");

/** The names of the facts that were supposed. */
export const supposedNames = (inputs: readonly InputReading[]): ReadonlySet<string> =>
  new Set(inputs.filter((fact) => fact.changed).map((fact) => fact.name));

export const restsOnSupposed = (step: Step, supposed: ReadonlySet<string>): boolean =>
  step.inputs.some((name) => supposed.has(name));

export function Chip(): VNode {
  return <span class="chip">supposed</span>;
}

/** The line above whatever follows from a supposed fact. */
export function WhatIfLine({ facts }: { facts: string }): VNode | null {
  if (facts === "") return null;
  return (
    <p class="what-if">
      <strong>What if:</strong> {facts} (supposed, not in the chart)
    </p>
  );
}
