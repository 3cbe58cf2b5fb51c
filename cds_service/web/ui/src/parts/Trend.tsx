/** A tumour marker over time: its results, the reference range, and the treatments between them. */

import { scaleLinear, scaleTime } from "d3-scale";
import { line as curve } from "d3-shape";
import type { VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MarkerTrend, Point, Treatment } from "../contract";
import { beginning } from "../words";

const WIDEST = 720;
/** On paper, half a sheet, whatever the screen is like. */
const ON_PAPER = { width: 400, height: 84 } as const;
const PER_CHARACTER = 6.2;
const PLOT = { left: 48, right: 14, top: 14 } as const;
const HEIGHT = 150;
const LANE = 16;

interface Placed {
  readonly point: Point;
  readonly at: Date;
  readonly value: number;
}

interface Props {
  readonly trend: MarkerTrend;
  readonly onPaper?: boolean;
  readonly treatments: readonly Treatment[];
}

export function Trend({ trend, treatments, onPaper = false }: Props): VNode {
  const placed = trend.points.flatMap(place).sort((a, b) => a.at.getTime() - b.at.getTime());
  const { low, high } = trend;
  const leftOut = trend.left_out ?? [];
  const range = rangeInWords(low, high, trend.unit);
  const plot = useRef<HTMLDivElement>(null);
  const measured = useWidth(plot);
  return (
    <figure class="trend">
      <figcaption>
        <strong>{beginning(trend.label)}</strong>
        {trend.unit && ` (${trend.unit})`}
        {range && <span class="range-word"> Reference range: {range}</span>}
      </figcaption>
      {placed.length > 1 && (
        <div ref={plot}>
          <Plot
            {...(onPaper ? ON_PAPER : { width: measured, height: HEIGHT })}
            placed={placed}
            low={low}
            high={high}
            treatments={treatments}
          />
        </div>
      )}
      <details open={placed.length < 2}>
        <summary>Results as a table ({trend.points.length + leftOut.length})</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Date</th>
              <th scope="col">Value</th>
              <th scope="col">Source</th>
            </tr>
          </thead>
          <tbody>
            {trend.points.map((point) => (
              <tr key={point.reference}>
                <td>{point.date ?? "no date"}</td>
                <td>{valueOf(point)}</td>
                <td>{point.reference}</td>
              </tr>
            ))}
            {leftOut.map((result) => (
              <tr key={result.reference}>
                <td>{result.date ?? "no date"}</td>
                <td>{result.text}</td>
                <td>{result.reference}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/** The width that there is, so that the text of a plot is as large on a telephone as on a wall. */
function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState<number>(ON_PAPER.width);
  useLayoutEffect(() => {
    const held = element.current;
    if (!held) return;
    const measure = (): void => setWidth(Math.min(held.clientWidth, WIDEST) || ON_PAPER.width);
    measure();
    const watching = new ResizeObserver(measure);
    watching.observe(held);
    return () => watching.disconnect();
  }, []);
  return width;
}

interface PlotProps {
  readonly width: number;
  /** Of the plot itself, without the axis and the treatments below it. */
  readonly height: number;
  readonly placed: readonly Placed[];
  readonly low: number | null;
  readonly high: number | null;
  readonly treatments: readonly Treatment[];
}

function Plot({ width, height, placed, low, high, treatments }: PlotProps): VNode {
  const lanes = treatments.flatMap((treatment) => {
    const at = date(treatment.date);
    return at ? [{ treatment, at, end: date(treatment.end) }] : [];
  });
  const times = [...placed.map((each) => each.at), ...lanes.flatMap(({ at, end }) => (end ? [at, end] : [at]))];
  const first = Math.min(...times.map(Number));
  const last = Math.max(...times.map(Number));
  const margin = Math.max((last - first) * 0.04, 86_400_000);
  const x = scaleTime([first - margin, last + margin], [PLOT.left, width - PLOT.right]);
  const most = Math.max(...placed.map((each) => each.value), high ?? 0);
  const y = scaleLinear([0, most * 1.08 || 1], [PLOT.top + height, PLOT.top]);
  const bottom = PLOT.top + height;
  const whole = bottom + 24 + lanes.length * LANE + 4;
  const path = curve<Placed>()
    .x((each) => x(each.at))
    .y((each) => y(each.value))([...placed]);
  const summary = placed.map((each) => `${each.point.date} ${valueOf(each.point)}`).join("; ");
  return (
    <svg class="plot" viewBox={`0 0 ${width} ${whole}`} role="img" aria-label={`Over time: ${summary}`}>
      {high !== null && (
        <rect
          class="range"
          x={PLOT.left}
          width={width - PLOT.left - PLOT.right}
          y={y(high)}
          height={y(low ?? 0) - y(high)}
        />
      )}
      {y.ticks(4).map((tick) => (
        <g key={tick}>
          <line class="grid" x1={PLOT.left} x2={width - PLOT.right} y1={y(tick)} y2={y(tick)} />
          <text class="tick" x={PLOT.left - 6} y={y(tick) + 4} text-anchor="end">
            {y.tickFormat(4)(tick)}
          </text>
        </g>
      ))}
      {x.ticks(width / 100).map((tick) => (
        <text key={Number(tick)} class="tick" x={x(tick)} y={bottom + 17} text-anchor="middle">
          {x.tickFormat(width / 100)(tick)}
        </text>
      ))}
      <line class="axis" x1={PLOT.left} x2={width - PLOT.right} y1={bottom} y2={bottom} />
      {lanes.map(({ treatment, at, end }, index) => {
        const lane = bottom + 24 + index * LANE + LANE / 2;
        const label = labelOf(treatment, x(at), width);
        return (
          <g key={treatment.reference} class="treatment">
            <title>{`${treatment.label}, ${treatment.date}`}</title>
            <line x1={x(at)} x2={x(at)} y1={PLOT.top} y2={lane} />
            {end && <line class="span" x1={x(at)} x2={x(end)} y1={lane} y2={lane} />}
            <path d={`M${x(at) - 4} ${lane} l4 -4 l4 4 l-4 4 z`} />
            <text x={x(at) + (label.before ? -8 : 8)} y={lane + 4} text-anchor={label.before ? "end" : "start"}>
              {label.text}
            </text>
          </g>
        );
      })}
      <path class="series" d={path ?? ""} />
      {placed.map((each) => (
        <g key={each.point.reference}>
          <circle class={each.point.comparator ? "inexact" : "exact"} cx={x(each.at)} cy={y(each.value)} r="4.5">
            <title>{`${each.point.date}: ${valueOf(each.point)}`}</title>
          </circle>
          {each.point.comparator && (
            <text x={x(each.at)} y={y(each.value) - 9} text-anchor="middle">
              {valueOf(each.point)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

/** What is written beside a treatment: as much of it as there is room for, on the side that has more. */
function labelOf(treatment: Treatment, x: number, width: number): { readonly text: string; readonly before: boolean } {
  const before = x > width / 2;
  const room = Math.floor(((before ? x : width - x) - 8) / PER_CHARACTER);
  const full = `${treatment.label}, ${treatment.date}`;
  const text = [full, treatment.label].find((each) => each.length <= room);
  return { text: text ?? `${treatment.label.slice(0, Math.max(room - 1, 0))}…`, before };
}

function place(point: Point): Placed[] {
  const at = date(point.date);
  return at !== null && point.value !== null ? [{ point, at, value: point.value }] : [];
}

/** A date as recorded, at noon so that no time zone moves its day; a partial one lies at its beginning. */
function date(text: string | null): Date | null {
  const found = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?/.exec(text ?? "");
  return found ? new Date(Number(found[1]), Number(found[2] ?? 1) - 1, Number(found[3] ?? 1), 12) : null;
}

const valueOf = (point: Point): string => `${point.comparator ?? ""}${point.value ?? "not a number"}`;

function rangeInWords(low: number | null, high: number | null, unit: string | null): string {
  const unitOf = unit ? ` ${unit}` : "";
  if (high === null) return low === null ? "" : `from ${low}${unitOf}`;
  return low === null ? `up to ${high}${unitOf}` : `${low} to ${high}${unitOf}`;
}
