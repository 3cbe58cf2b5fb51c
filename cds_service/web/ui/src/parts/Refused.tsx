/** An answer that is no evaluation, said where the cards would be. */

import type { VNode } from "preact";
import type { Complaint } from "../json";
import type { Refusal } from "../service";

/** For a demo patient that could not be had. */
export const NO_STORY: Refusal = { status: 0, lines: ["This demo patient could not be had."], body: null };

interface Props {
  readonly refusal: Refusal;
  /** Where in the chart's text, for pages that do not show it. */
  readonly places?: readonly Complaint[];
}

export function Refused({ refusal, places = [] }: Props): VNode {
  return (
    <div class="refused" role="alert">
      <h3>{refusal.status === 0 ? "No answer" : `Refused, as the hook would: ${refusal.status}`}</h3>
      <ul>
        {refusal.lines.map((line) => {
          const place = places.find((each) => each.message === line);
          return (
            <li key={line}>
              {place && `Line ${place.line}, column ${place.column}: `}
              {line}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
