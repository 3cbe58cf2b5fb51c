/** The path as a list: every question asked, in order, with its answer. */

import type { VNode } from "preact";
import type { Step } from "../contract";
import { Letter } from "./Standing";
import { Chip, restsOnSupposed } from "./Supposed";

interface Props {
  readonly steps: readonly Step[];
  readonly supposed: ReadonlySet<string>;
  readonly selected: string | null;
  readonly onSelect: (node: string) => void;
}

export function Steps({ steps, supposed, selected, onSelect }: Props): VNode {
  return (
    <ol class="steps">
      {steps.map((step) => (
        <li key={step.node}>
          <button type="button" aria-pressed={selected === step.node} onClick={() => onSelect(step.node)}>
            <span class="node-id">{step.node}</span> <Letter status={step.status} />{" "}
            <span>
              <strong>{step.answer}</strong>
              {restsOnSupposed(step, supposed) && <Chip />}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}
