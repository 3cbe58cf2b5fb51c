/** Where the nodes and edges of the decision graph are drawn; computed, never drawn by hand. */

import { Graph, layout } from "@dagrejs/dagre";
import type { Guideline, GuidelineEdge } from "./contract";
import { endInWords } from "./words";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Size {
  readonly id: string;
  readonly x: number; // of the left upper corner
  readonly y: number;
}

/** Every answer of a node that leads to one place, drawn as one line. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly edges: readonly GuidelineEdge[];
}

export interface DrawnLine extends Line {
  readonly points: readonly Point[];
}

export interface End {
  readonly id: string;
  readonly title: string;
}

export interface Drawing extends Size {
  readonly boxes: ReadonlyMap<string, Box>;
  readonly lines: readonly DrawnLine[];
}

const MARGIN = 10;

/** The place where an edge leads: a node, or an end of its own below the node that it leaves. */
export const targetOf = (edge: GuidelineEdge): string => edge.to ?? `${edge.from}: ${endInWords(edge)}`;

/** The ends of a guideline, each once. */
export function endsOf(guideline: Guideline): readonly End[] {
  const ends = guideline.edges.filter((edge) => edge.to === null);
  return [...new Map(ends.map((edge) => [targetOf(edge), endInWords(edge)]))].map(([id, title]) => ({ id, title }));
}

/** The lines of a guideline: its edges, those between the same two places together. */
export function linesOf(guideline: Guideline): readonly Line[] {
  const lines = new Map<string, Line>();
  for (const edge of guideline.edges) {
    const to = targetOf(edge);
    const key = `${edge.from} > ${to}`;
    lines.set(key, { from: edge.from, to, edges: [...(lines.get(key)?.edges ?? []), edge] });
  }
  return [...lines.values()];
}

/** The drawing of a guideline whose boxes have these sizes. */
export function draw(
  guideline: Guideline,
  boxSize: (id: string) => Size,
  gaps: { readonly nodesep: number; readonly ranksep: number } = { nodesep: 14, ranksep: 30 },
): Drawing {
  const graph = new Graph();
  // Aligned to one side it is a third narrower than balanced, and fits beside the cards.
  graph.setGraph({ rankdir: "TB", align: "UL", ...gaps, edgesep: 10, marginy: MARGIN });
  for (const { id } of [...guideline.nodes, ...endsOf(guideline)]) graph.setNode(id, { ...boxSize(id) });
  const lines = linesOf(guideline);
  for (const { from, to } of lines) graph.setEdge(from, to, {});
  layout(graph);
  const laid = graph.nodes().map((id) => ({ id, ...(graph.node(id) as Size & Point) }));
  const routes = lines.map((line) => (graph.edge(line.from, line.to) as { points: readonly Point[] }).points);
  // Aligned to a side, the layout's own extent leaves out lines and leaves room that nothing fills.
  const left = Math.min(...laid.map((box) => box.x - box.width / 2), ...routes.flat().map((point) => point.x)) - MARGIN;
  const right =
    Math.max(...laid.map((box) => box.x + box.width / 2), ...routes.flat().map((point) => point.x)) + MARGIN;
  const boxes = laid.map(({ id, width, height, x, y }): [string, Box] => [
    id,
    { id, width, height, x: x - width / 2 - left, y: y - height / 2 },
  ]);
  return {
    boxes: new Map(boxes),
    lines: lines.map((line, index) => ({
      ...line,
      points: (routes[index] ?? []).map(({ x, y }) => ({ x: x - left, y })),
    })),
    width: right - left,
    height: (graph.graph() as Size).height,
  };
}
