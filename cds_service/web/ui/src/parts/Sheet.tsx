/** The same on one sheet of A4 for the tumour board; on paper only. */

import { line as curve } from "d3-shape";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Evaluation, Guideline } from "../contract";
import { draw, endsOf } from "../layout";
import { beginning, dateFrom, NOT_READ, stateInWords } from "../words";
import { Findings } from "./Findings";
import { walked } from "./Pathway";
import { restsOnSupposed, supposedFacts, supposedNames } from "./Supposed";
import { Trend } from "./Trend";
import { unbroken } from "./unbroken";

interface Props {
  readonly guideline: Guideline;
  readonly evaluation: Evaluation;
}

export function Sheet({ guideline, evaluation }: Props): VNode {
  const supposed = supposedNames(evaluation.inputs);
  const read = new Set(evaluation.inputs.map((fact) => fact.name));
  const notRead = guideline.inputs.filter((input) => !read.has(input.name));
  const known = evaluation.inputs.filter((fact) => fact.text !== null);
  const unknown = new Map<string, string[]>();
  for (const fact of evaluation.inputs) {
    if (fact.text !== null) continue;
    const why = fact.changed ? "supposed" : [fact.why ?? fact.unknown, fact.note].filter(Boolean).join("; ");
    unknown.set(why, [...(unknown.get(why) ?? []), fact.label]);
  }
  const drawn = evaluation.trends.filter((trend) => trend.points.length > 1);
  return (
    <section class={`sheet ${drawn.length > 0 ? "dense" : ""}`} aria-label="For print">
      <header>
        <p class="sheet-title">
          {stateInWords(evaluation.decision.state)}{" "}
          <span>way through the 2006 Utrecht protocol, liver metastases of neuroendocrine tumours</span>
        </p>
        <p>
          {evaluation.patient} Evaluated as of {evaluation.as_of.date} ({dateFrom(evaluation.as_of)}).
        </p>
        {supposed.size > 0 && (
          <p class="sheet-changed">WHAT IF, not the chart: {supposedFacts(evaluation)} (supposed)</p>
        )}
      </header>
      <div class="sheet-path">
        <SmallGraph guideline={guideline} evaluation={evaluation} />
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Question</th>
              <th scope="col">Answer</th>
              <th scope="col">Standing</th>
            </tr>
          </thead>
          <tbody>
            {evaluation.steps.map((step) => (
              <tr key={step.node}>
                <td class="node-id">{step.node}</td>
                <td>{unbroken(step.question)}</td>
                <td>
                  <strong>{step.answer}</strong>
                  {restsOnSupposed(step, supposed) && " (supposed)"}
                </td>
                <td>{[step.status, ...step.rules].join(" ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Findings evaluation={evaluation} />
      {drawn.length > 0 && (
        <div class="sheet-trends">
          {drawn.map((trend) => (
            <Trend key={`${trend.label} ${trend.unit}`} trend={trend} treatments={evaluation.treatments} onPaper />
          ))}
        </div>
      )}
      <ul class="sheet-inputs">
        {known.map((fact) => (
          <li key={fact.name}>
            <span>{beginning(fact.label)}</span>
            <span>
              <strong>{fact.text}</strong>
              {fact.changed ? " (supposed)" : fact.note && unbroken(` ${fact.note}`)}
            </span>
            <span>{unbroken(where(fact.sources))}</span>
          </li>
        ))}
      </ul>
      <p class="sheet-unknown">
        {notRead.length > 0 && (
          <span>
            {beginning(NOT_READ)}: {notRead.map((input) => input.label).join(", ")}.{" "}
          </span>
        )}
        {[...unknown].map(([why, labels]) => (
          <span key={why}>
            <em>Unknown, {why}:</em> {labels.join(", ")}.{" "}
          </span>
        ))}
      </p>
      <p class="sheet-note">
        Standing: E from the paper, I inferred, P ours; R.. its rules. Veenendaal et al., World J Surg Oncol 2006;4:35,
        reconstructed from its text, not reviewed by clinicians. Guideline {evaluation.decision.guideline}, edition{" "}
        {evaluation.decision.edition}. For discussion in the tumour board.
      </p>
    </section>
  );
}

function where(sources: Evaluation["inputs"][number]["sources"]): string {
  const [first, ...more] = sources;
  if (!first) return "";
  const rest = more.length > 0 ? ` and ${more.length} more` : "";
  return [first.date, first.reference].filter(Boolean).join(" ") + rest;
}

const straight = curve<{ x: number; y: number }>()
  .x((point) => point.x)
  .y((point) => point.y);

function SmallGraph({ guideline, evaluation }: Props): VNode {
  const ends = useMemo(() => new Map(endsOf(guideline).map((end) => [end.id, end.title])), [guideline]);
  const drawing = useMemo(
    () =>
      draw(guideline, (id) => ({ width: 24 + 6 * (ends.get(id) ?? id).length, height: 22 }), {
        nodesep: 8,
        ranksep: 18,
      }),
    [guideline, ends],
  );
  const taken = walked(guideline, evaluation.steps);
  return (
    <svg class="small-graph" viewBox={`0 0 ${drawing.width} ${drawing.height}`} role="img" aria-label="Path taken">
      {drawing.lines.map((line) => (
        <path
          key={`${line.from} > ${line.to}`}
          class={`line ${taken.lines.has(`${line.from} > ${line.to}`) ? "taken" : "untaken"}`}
          d={straight([...line.points]) ?? ""}
        />
      ))}
      {[...drawing.boxes.values()].map((box) => (
        <g key={box.id} class={taken.places.has(box.id) ? "taken" : "untaken"}>
          <rect x={box.x} y={box.y} width={box.width} height={box.height} rx={ends.has(box.id) ? 11 : 3} />
          <text x={box.x + box.width / 2} y={box.y + 15} text-anchor="middle">
            {ends.get(box.id) ?? box.id}
          </text>
        </g>
      ))}
    </svg>
  );
}
