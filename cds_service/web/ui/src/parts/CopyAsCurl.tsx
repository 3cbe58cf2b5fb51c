/** The call that the page made, for a terminal. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

export function CopyAsCurl({ text }: { text: string | null }): VNode {
  const [said, say] = useState("");
  useEffect(() => say(""), [text]);
  const copy = async (): Promise<void> => {
    if (text === null) return;
    await navigator.clipboard.writeText(text).then(
      () => say("copied"),
      () => say("the browser did not allow it"),
    );
  };
  return (
    <span class="copy">
      <button type="button" disabled={text === null} onClick={() => void copy()}>
        Copy as curl
      </button>
      <span role="status">{said}</span>
    </span>
  );
}
