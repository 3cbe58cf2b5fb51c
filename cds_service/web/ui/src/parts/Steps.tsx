/** The path as a list: every question asked, in order, with its answer. */

import type { VNode } from "preact";
import type { Step } from "../contract";
import { Letter } from "./Standing";

interface Props {
  readonly steps: readonly Step[];
  readonly selected: string | null;
  readonly onSelect: (node: string) => void;
}

export function Steps({ steps, selected, onSelect }: Props): VNode {
  return (
    <ol class="steps">
      {steps.map((step) => (
        <li key={step.node}>
          <button type="button" aria-pressed={selected === step.node} onClick={() => onSelect(step.node)}>
            <span class="node-id">{step.node}</span> <Letter status={step.status} /> <strong>{step.answer}</strong>
          </button>
        </li>
      ))}
    </ol>
  );
}
