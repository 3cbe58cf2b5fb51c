/** One evaluated chart as the pathway page and the SMART app show it, with its sheet for print. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Evaluation, Guideline } from "../contract";
import { dateFrom, stateInWords } from "../words";
import { Findings } from "./Findings";
import { InputTable, Unused } from "./InputTable";
import { NodeDetail } from "./NodeDetail";
import { Pathway } from "./Pathway";
import { Sheet } from "./Sheet";
import { Legend } from "./Standing";
import { Steps } from "./Steps";
import { supposedFacts, supposedNames, WhatIfLine } from "./Supposed";
import { Trend } from "./Trend";
import { unbroken } from "./unbroken";

interface Props {
  readonly guideline: Guideline;
  readonly evaluation: Evaluation;
}

export function ChartView({ guideline, evaluation }: Props): VNode {
  const [node, setNode] = useState<string | null>(null);
  const supposed = supposedNames(evaluation.inputs);
  const shown = node ?? evaluation.steps.at(-1)?.node ?? null;
  return (
    <>
      <div class="view">
        <section class="view-head" aria-labelledby="state">
          <h2 id="state">{stateInWords(evaluation.decision.state)}</h2>
          <p class="patient">
            {unbroken(`${evaluation.patient} Evaluated as of ${evaluation.as_of.date} (${dateFrom(evaluation.as_of)}).`)}
          </p>
          <WhatIfLine facts={supposedFacts(evaluation)} />
          <Findings evaluation={evaluation} />
        </section>
        <section class="view-path" aria-labelledby="path">
          <h2 id="path">Decision graph</h2>
          <p class="legend">
            Thick lines and filled boxes: the path taken. Choose a question to see what decided it.
          </p>
          <Legend />
          <Pathway guideline={guideline} steps={evaluation.steps} supposed={supposed} selected={node} onSelect={setNode} everyAnswer />
        </section>
        <section class="view-steps" aria-labelledby="steps">
          <div class="stay">
            <h2 id="steps">The path, step by step</h2>
            <Steps steps={evaluation.steps} supposed={supposed} selected={shown} onSelect={setNode} />
            {shown && <NodeDetail guideline={guideline} evaluation={evaluation} node={shown} />}
          </div>
        </section>
        {evaluation.trends.length > 0 && (
          <section class="view-trends" aria-labelledby="trends">
            <h2 id="trends">Tumour markers over time</h2>
            <div class="trends">
              {evaluation.trends.map((trend) => (
                <Trend key={`${trend.label} ${trend.unit}`} trend={trend} treatments={evaluation.treatments} />
              ))}
            </div>
          </section>
        )}
        <section class="view-inputs" aria-labelledby="inputs">
          <h2 id="inputs">Inputs</h2>
          <InputTable guideline={guideline} evaluation={evaluation} />
          <Unused evaluation={evaluation} />
        </section>
      </div>
      <Sheet guideline={guideline} evaluation={evaluation} />
    </>
  );
}
