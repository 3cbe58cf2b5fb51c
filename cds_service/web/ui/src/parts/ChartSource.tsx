/** Where a chart comes from: a demo patient, or a file that is opened or dropped anywhere on the page. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Story } from "../contract";
import { beginning } from "../words";

interface Props {
  readonly stories: readonly Story[];
  readonly story: string | null;
  readonly onStory: (name: string) => void;
  readonly onFile: (text: string, name: string) => void;
}

export function ChartSource({ stories, story, onStory, onFile }: Props): VNode {
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined): Promise<void> => {
    if (file) onFile(await file.text(), file.name);
  };

  useEffect(() => {
    const hover = (event: DragEvent): void => {
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const drop = (event: DragEvent): void => {
      hover(event);
      void read(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", hover);
    addEventListener("dragleave", hover);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", hover);
      removeEventListener("dragleave", hover);
      removeEventListener("drop", drop);
    };
  });

  return (
    <div class={`chart-source ${over ? "over" : ""}`}>
      {stories.length > 0 && (
        <label>
          <span>Demo patient</span>
          <select value={story ?? ""} onChange={(event) => onStory(event.currentTarget.value)}>
            {story === null && <option value="">a chart of your own</option>}
            {stories.map((each) => (
              <option key={each.name} value={each.name}>
                {beginning(each.title)}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="button" onClick={() => picker.current?.click()}>
        Open a file…
      </button>
      <input
        ref={picker}
        class="off"
        type="file"
        accept=".json,application/json"
        tabIndex={-1}
        aria-label="Chart file"
        onChange={(event) => {
          void read(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
      <p class="drop-hint">{over ? "Drop it here" : "or drop a FHIR bundle or hook request anywhere"}</p>
    </div>
  );
}
