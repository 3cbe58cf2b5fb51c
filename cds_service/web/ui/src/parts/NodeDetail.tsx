/** One question of the pathway: its answer, the facts that decided it with their sources, and every other answer. */

import type { VNode } from "preact";
import type { Evaluation, Guideline, GuidelineEdge, InputReading } from "../contract";
import { beginning, endInWords } from "../words";
import { Standing } from "./Standing";
import { Chip } from "./Supposed";
import { unbroken } from "./unbroken";

interface Props {
  readonly guideline: Guideline;
  readonly evaluation: Evaluation | null;
  readonly node: string;
}

export function NodeDetail({ guideline, evaluation, node }: Props): VNode | null {
  const declared = guideline.nodes.find((each) => each.id === node);
  if (!declared) return null;
  const step = evaluation?.steps.find((each) => each.node === node);
  const facts = (step?.inputs ?? []).flatMap((name) => evaluation?.inputs.filter((input) => input.name === name) ?? []);
  const edges = guideline.edges.filter((edge) => edge.from === node);
  return (
    <section class="node-detail" aria-label={`Question ${node}`}>
      <h3>
        <span class="node-id">{node}</span> {declared.question}
      </h3>
      {step ? (
        <p class="answered">
          Answer: <strong>{step.answer}</strong>
          {facts.some((fact) => fact.changed) && <Chip />}
          <br />
          <Standing status={step.status} rules={step.rules} remark={step.remark} />
        </p>
      ) : (
        <p class="answered">Not asked on this path.</p>
      )}
      {facts.length > 0 && (
        <dl class="facts-of-node">
          {facts.map((fact) => (
            <div key={fact.name}>
              <dt>{beginning(fact.label)}</dt>
              <dd>
                <FactValue fact={fact} />
                <SourceLine fact={fact} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <h4>Every answer of this question (round {declared.round})</h4>
      <ul class="answers">
        {edges.map((edge) => (
          <li key={edge.answer} class={step?.answer === edge.answer ? "taken" : ""}>
            <span>
              {step?.answer === edge.answer && <span class="mark">taken </span>}
              <strong>{edge.answer}</strong> → {leadsTo(edge)}
            </span>
            <Standing status={edge.status} rules={edge.rules} remark={edge.remark} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function leadsTo(edge: GuidelineEdge): string {
  if (edge.to === null) return endInWords(edge).toLowerCase();
  return edge.stops ? `${edge.to}, to the end of the round, then work-up first` : edge.to;
}

/** The value of a fact in words, or why it is unknown; never an empty place. */
export function FactValue({ fact }: { fact: InputReading }): VNode {
  if (fact.changed) return <span class="value supposed">{fact.text ?? "unknown"} (supposed)</span>;
  return fact.text === null ? (
    <span class="unknown">unknown: {fact.why ?? fact.unknown?.replaceAll("_", " ")}</span>
  ) : (
    <span class="value">{fact.text}</span>
  );
}

export function SourceLine({ fact }: { fact: InputReading }): VNode | null {
  const sources = fact.sources.map((source) => [source.reference, source.date].filter(Boolean).join(", "));
  const parts = [...(fact.note ? [fact.note] : []), ...sources];
  return parts.length > 0 ? <span class="source-line">{unbroken(parts.join(" · "))}</span> : null;
}
