/** What went over the wire, as it is. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Sent } from "../feedback";

interface Props {
  readonly request: unknown;
  readonly response: unknown;
  readonly feedback: readonly Sent[];
}

export function Raw({ request, response, feedback }: Props): VNode {
  const [open, setOpen] = useState(false);
  return (
    <details class="raw" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Raw request and response{feedback.length > 0 && ", feedback"}</summary>
      {open && (
        <div class="raw-pair">
          <Json title="Request" value={request} />
          <Json title="Response" value={response} />
          {feedback.map(({ path, body, status }, index) => (
            <Json
              key={index}
              title={`Feedback ${index + 1}: POST ${path}, ${status === 0 ? "no answer" : `answered ${status}`}`}
              value={body}
            />
          ))}
        </div>
      )}
    </details>
  );
}

function Json({ title, value }: { title: string; value: unknown }): VNode {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <pre tabIndex={0} aria-label={title}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </figure>
  );
}
