/** Every input with its value, date and source, or why it is unknown; and what of the chart was not used. */

import type { VNode } from "preact";
import type { Evaluation, Guideline } from "../contract";
import { beginning, counted, NOT_READ } from "../words";
import { FactValue } from "./NodeDetail";

export function InputTable({ guideline, evaluation }: { guideline: Guideline; evaluation: Evaluation }): VNode {
  const notRead = guideline.inputs.length - evaluation.inputs.length;
  return (
    <div class="wide" tabIndex={0} role="group" aria-label="Table of inputs">
      <table class="inputs">
        <thead>
          <tr>
            <th scope="col">Input</th>
            <th scope="col">Value, or why it is unknown</th>
            <th scope="col">Date</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          {evaluation.inputs.map((fact) => (
            <tr key={fact.name} class={fact.changed ? "changed" : ""}>
              <th scope="row">{beginning(fact.label)}</th>
              <td>
                <FactValue fact={fact} />
                {fact.note && <span class="source-line">{fact.note}</span>}
              </td>
              <td>
                {fact.sources.map((source) => (
                  <div key={source.reference}>{source.date ?? "no date"}</div>
                ))}
              </td>
              <td>
                {fact.sources.map((source) => (
                  <div key={source.reference}>{source.reference}</div>
                ))}
              </td>
            </tr>
          ))}
          {notRead > 0 && (
            <tr>
              <th scope="row">{counted(notRead, "other input")}</th>
              <td colSpan={3}>
                <span class="unknown">{NOT_READ}</span>
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

export function Unused({ evaluation }: { evaluation: Evaluation }): VNode | null {
  if (evaluation.unused.length === 0) return null;
  return (
    <details class="unused">
      <summary>Records that were not used ({evaluation.unused.length})</summary>
      <ul>
        {evaluation.unused.map((record) => (
          <li key={record.reference}>
            <span class="code">{record.reference}</span> {record.why}
          </li>
        ))}
      </ul>
    </details>
  );
}
