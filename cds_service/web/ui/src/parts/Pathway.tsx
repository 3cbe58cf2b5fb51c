/** The decision graph with the path taken: boxes that can be chosen, and lines between them. */

import { curveBasis, line as curve } from "d3-shape";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Guideline, GuidelineEdge, Step } from "../contract";
import { draw, endsOf, targetOf, type DrawnLine, type Drawing } from "../layout";
import { endInWords } from "../words";
import { Letter } from "./Standing";
import { Chip, restsOnSupposed } from "./Supposed";
import { unbroken } from "./unbroken";

interface Props {
  readonly guideline: Guideline;
  readonly steps: readonly Step[];
  /** The names of the facts that are supposed: the steps that rest on them are marked. */
  readonly supposed: ReadonlySet<string>;
  readonly selected: string | null;
  readonly onSelect: (node: string) => void;
  /** Whether a box tells every answer, and not only the one given: where there is room for it. */
  readonly everyAnswer: boolean;
}

/** True where the last question was answered by an edge that leads on: the walk was stopped at the end of its round. */
export function stopped(guideline: Guideline, steps: readonly Step[]): boolean {
  const last = steps.at(-1);
  return guideline.edges.some((edge) => edge.from === last?.node && edge.answer === last.answer && edge.to !== null);
}

const smooth = curve<{ x: number; y: number }>()
  .x((point) => point.x)
  .y((point) => point.y)
  .curve(curveBasis);

/** The places that a path visits, the ends included, and the lines it takes, named `from > to`. */
export function walked(guideline: Guideline, steps: readonly Step[]): { places: Set<string>; lines: Set<string> } {
  const places = new Set(steps.map((step) => step.node));
  const lines = new Set<string>();
  steps.forEach((step, index) => {
    const next = steps[index + 1];
    const edge = guideline.edges.find((each) => each.from === step.node && each.answer === step.answer);
    if (!edge || (edge.to !== null && next?.node !== edge.to)) return;
    places.add(targetOf(edge));
    lines.add(`${step.node} > ${targetOf(edge)}`);
  });
  return { places, lines };
}

export function Pathway({ guideline, steps, supposed, selected, onSelect, everyAnswer }: Props): VNode {
  const canvas = useRef<HTMLDivElement>(null);
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const ends = useMemo(() => endsOf(guideline), [guideline]);
  const stoppedAt = stopped(guideline, steps) ? steps.at(-1)?.node : null;
  const taken = useMemo(() => walked(guideline, steps), [guideline, steps]);
  const place = (id: string): { left: string; top: string } | undefined => {
    const box = drawing?.boxes.get(id);
    return box && { left: `${box.x}px`, top: `${box.y}px` };
  };

  useLayoutEffect(() => {
    const sizes = new Map<string, { width: number; height: number }>();
    for (const box of canvas.current?.querySelectorAll<HTMLElement>("[data-place]") ?? []) {
      sizes.set(box.dataset["place"] ?? "", { width: box.offsetWidth, height: box.offsetHeight });
    }
    setDrawing(draw(guideline, (id) => sizes.get(id) ?? { width: 0, height: 0 }));
  }, [guideline, steps, everyAnswer]);

  useEffect(() => {
    const chosen = canvas.current?.querySelector(`[data-place="${CSS.escape(selected ?? "")}"]`);
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [selected]);

  const extent = drawing ? { width: `${drawing.width}px`, height: `${drawing.height}px` } : undefined;
  return (
    <div class="pathway" tabIndex={0} role="group" aria-label="Decision graph">
      <div
        class={`canvas ${everyAnswer ? "roomy" : ""} ${drawing ? "" : "measuring"}`}
        ref={canvas}
        {...(extent ? { style: extent } : {})}
      >
        {drawing && <Lines drawing={drawing} taken={taken.lines} />}
        {guideline.nodes.map((node) => {
          const index = steps.findIndex((step) => step.node === node.id);
          const step = steps[index];
          const where = place(node.id);
          return (
            <button
              key={node.id}
              type="button"
              data-place={node.id}
              class={`box ${step ? "taken" : "untaken"} ${selected === node.id ? "selected" : ""}`}
              aria-pressed={selected === node.id}
              onClick={() => onSelect(node.id)}
              {...(where ? { style: where } : {})}
            >
              <span class="box-head">
                <span class="node-id">{node.id}</span>
                {step ? <Letter status={step.status} /> : null}
                {everyAnswer && step && restsOnSupposed(step, supposed) && <Chip />}
                {step && <span class="order">step {index + 1}</span>}
              </span>
              <span class="question">{unbroken(node.question)}</span>
              {everyAnswer ? (
                <Answers edges={guideline.edges.filter((edge) => edge.from === node.id)} given={step?.answer} />
              ) : (
                <span class="answer">
                  {step ? `→ ${step.answer}` : "not asked"}
                  {step && restsOnSupposed(step, supposed) && <Chip />}
                </span>
              )}
              {stoppedAt === node.id && <span class="stop">■ The walk stops here: work-up first</span>}
            </button>
          );
        })}
        {ends.map((end) => {
          const where = place(end.id);
          const reached = taken.places.has(end.id);
          return (
            <span
              key={end.id}
              data-place={end.id}
              class={`end ${reached ? "taken" : "untaken"}`}
              {...(where ? { style: where } : {})}
            >
              {end.title}
            </span>
          );
        })}
      </div>
    </div>
  );
}

/** Every answer of a node, where it leads and how it stands; the one that was given is marked by more than colour. */
function Answers({ edges, given }: { edges: readonly GuidelineEdge[]; given: string | undefined }): VNode {
  return (
    <>
      {edges.map((edge) => (
        <span key={edge.answer} class={edge.answer === given ? "answer given" : "answer"}>
          <span>
            {edge.answer === given ? "✓ " : ""}
            {edge.answer}
          </span>
          <span class="leads">
            {edge.to ?? endInWords(edge)} {edge.status}
          </span>
        </span>
      ))}
    </>
  );
}

function Lines({ drawing, taken }: { drawing: Drawing; taken: ReadonlySet<string> }): VNode {
  const isTaken = (line: DrawnLine): boolean => taken.has(`${line.from} > ${line.to}`);
  // What was taken lies on top.
  const lines = [...drawing.lines].sort((a, b) => Number(isTaken(a)) - Number(isTaken(b)));
  return (
    <svg width={drawing.width} height={drawing.height} aria-hidden="true">
      <defs>
        {["taken", "untaken"].map((kind) => (
          <marker
            key={kind}
            id={`head-${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path class={`head ${kind}`} d="M0 0 L8 4 L0 8 z" />
          </marker>
        ))}
      </defs>
      {lines.map((line) => {
        const kind = isTaken(line) ? "taken" : "untaken";
        return (
          <path
            key={`${line.from} > ${line.to}`}
            class={`line ${kind}`}
            d={smooth([...line.points]) ?? ""}
            marker-end={`url(#head-${kind})`}
          />
        );
      })}
    </svg>
  );
}
