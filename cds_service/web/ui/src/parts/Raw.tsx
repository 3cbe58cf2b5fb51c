/** What went over the wire, as it is. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";

export function Raw({ request, response }: { request: unknown; response: unknown }): VNode {
  const [open, setOpen] = useState(false);
  return (
    <details class="raw" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Raw request and response</summary>
      {open && (
        <div class="raw-pair">
          <Json title="Request" value={request} />
          <Json title="Response" value={response} />
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
