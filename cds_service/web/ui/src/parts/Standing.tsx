/** How a step stands to the paper: a letter, its words, and the rules it rests on. */

import type { VNode } from "preact";
import type { Status } from "../contract";
import { standing, standings } from "../words";

interface Props {
  readonly status: Status;
  readonly rules: readonly string[];
  readonly remark?: string;
}

export function Letter({ status }: { status: Status }): VNode {
  return (
    <span class={`letter ${status}`} title={standing(status)}>
      <abbr>{status}</abbr>
    </span>
  );
}

/** What the letters mean, wherever they stand. */
export function Legend(): VNode {
  return (
    <ul class="standings" aria-label="Standing of an answer">
      {standings.map(([status, words]) => (
        <li key={status}>
          <Letter status={status} /> {words}
        </li>
      ))}
    </ul>
  );
}

export function Standing({ status, rules, remark }: Props): VNode {
  return (
    <span class="standing">
      <Letter status={status} /> {standing(status)}
      {rules.length > 0 && `, ${rules.join(", ")}`}
      {remark && <span class="remark"> ({remark})</span>}
    </span>
  );
}
