/** The chart as JSON, with line numbers; a complaint is marked at its line. */

import type { VNode } from "preact";
import { useId, useRef } from "preact/hooks";
import type { Complaint } from "../json";

interface Props {
  readonly text: string;
  readonly complaints: readonly Complaint[];
  readonly onInput: (text: string) => void;
}

export function Editor({ text, complaints, onInput }: Props): VNode {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const id = useId();
  const wrong = new Set(complaints.map((complaint) => complaint.line));
  const lines = text.split("\n").length;

  const follow = (): void => {
    if (gutter.current && area.current) gutter.current.scrollTop = area.current.scrollTop;
  };
  const goTo = (complaint: Complaint): void => {
    const field = area.current;
    if (!field) return;
    field.focus();
    field.setSelectionRange(complaint.offset, complaint.offset + 1);
    const lineHeight = field.scrollHeight / Math.max(lines, 1);
    field.scrollTop = Math.max(0, (complaint.line - 4) * lineHeight);
    follow();
  };

  return (
    <div class="editor">
      <label for={id}>FHIR Bundle, resource or hook request (JSON)</label>
      <div class={`editor-frame ${complaints.length > 0 ? "wrong" : ""}`}>
        <div class="gutter" ref={gutter} aria-hidden="true">
          <Numbers count={lines} wrong={wrong} />
        </div>
        <textarea
          id={id}
          ref={area}
          value={text}
          spellcheck={false}
          autocomplete="off"
          wrap="off"
          aria-invalid={complaints.length > 0}
          {...(complaints.length > 0 ? { "aria-describedby": `${id}-wrong` } : {})}
          onInput={(event) => onInput(event.currentTarget.value)}
          onScroll={follow}
        />
      </div>
      <div class="complaints" id={`${id}-wrong`} role="status">
        {complaints.map((complaint) => (
          <p key={`${complaint.offset} ${complaint.message}`}>
            <button type="button" class="place" onClick={() => goTo(complaint)}>
              Line {complaint.line}, column {complaint.column}
            </button>{" "}
            {complaint.message}
          </p>
        ))}
      </div>
    </div>
  );
}

/** The numbers as one text, so that a chart of a hundred thousand lines costs no element each. */
function Numbers({ count, wrong }: { count: number; wrong: ReadonlySet<number> }): VNode {
  const parts: (string | VNode)[] = [];
  let from = 1;
  for (const line of [...wrong].filter((each) => each <= count).sort((a, b) => a - b)) {
    parts.push(numbers(from, line - 1), <mark key={line}>{`▸ ${line}\n`}</mark>);
    from = line + 1;
  }
  return (
    <pre>
      {parts}
      {numbers(from, count)}
    </pre>
  );
}

const numbers = (from: number, to: number): string =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => `${from + index}\n`).join("");
