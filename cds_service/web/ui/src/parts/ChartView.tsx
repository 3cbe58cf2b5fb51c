/** One evaluated chart as the pathway page and the SMART app show it, with its sheet for print. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Evaluation, Guideline } from "../contract";
import { stateInWords } from "../words";
import { Findings } from "./Findings";
import { InputTable, Unused } from "./InputTable";
import { NodeDetail } from "./NodeDetail";
import { Pathway } from "./Pathway";
import { Sheet } from "./Sheet";
import { Steps } from "./Steps";
import { Trend } from "./Trend";

interface Props {
  readonly guideline: Guideline;
  readonly evaluation: Evaluation;
}

export function ChartView({ guideline, evaluation }: Props): VNode {
  const [node, setNode] = useState<string | null>(null);
  const changed = evaluation.inputs.filter((fact) => fact.changed).length;
  const shown = node ?? evaluation.steps.at(-1)?.node ?? null;
  return (
    <>
      <div class="view">
        <section class="view-head" aria-labelledby="state">
          <h2 id="state">{stateInWords(evaluation.decision.state)}</h2>
          <p class="patient">{evaluation.patient}</p>
          {changed > 0 && <p class="what-if">What if: {changed} changed, not what the chart says.</p>}
          <Findings evaluation={evaluation} />
        </section>
        <section class="view-path" aria-labelledby="path">
          <h2 id="path">Decision graph</h2>
          <p class="legend">
            Thick lines and filled boxes: the path taken. <b>E</b> from the paper, <b>I</b> inferred, <b>P</b> ours.
            Choose a question to see what decided it.
          </p>
          <Pathway guideline={guideline} steps={evaluation.steps} selected={node} onSelect={setNode} everyAnswer />
        </section>
        <section class="view-steps" aria-labelledby="steps">
          <div class="stay">
            <h2 id="steps">The path, step by step</h2>
            <Steps steps={evaluation.steps} selected={shown} onSelect={setNode} />
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
          <InputTable evaluation={evaluation} />
          <Unused evaluation={evaluation} />
        </section>
      </div>
      <Sheet guideline={guideline} evaluation={evaluation} />
    </>
  );
}
