/** The date to evaluate at: the one that the service went by, with who said so, until another is chosen. */

import type { VNode } from "preact";
import { useId } from "preact/hooks";
import type { Evaluation } from "../contract";
import { dateFrom } from "../words";

interface Props {
  readonly chosen: string;
  readonly used: Evaluation["as_of"] | null;
  readonly onChoose: (date: string) => void;
}

export function AsOf({ chosen, used, onChoose }: Props): VNode {
  const id = useId();
  return (
    <div class="as-of">
      <label for={id}>As of</label>
      <div>
        <input
          id={id}
          type="date"
          aria-describedby={`${id}-from`}
          value={chosen || used?.date || ""}
          onInput={(event) => onChoose(event.currentTarget.value)}
        />
        <span id={`${id}-from`} class="hint">
          {used && dateFrom(used)}
        </span>
        {chosen && (
          <button type="button" class="quiet" onClick={() => onChoose("")}>
            Reset
          </button>
        )}
      </div>
    </div>
  );
}
