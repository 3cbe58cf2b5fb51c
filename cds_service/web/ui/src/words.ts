/** Codes of the wire in words. */

import type { Card, Evaluation, GuidelineEdge, ListName, Status } from "./contract";

const STATES: Readonly<Record<string, string>> = {
  treat: "Options to discuss",
  provisional: "Provisional options",
  workup: "Work-up first",
  refer: "Refer to the tumour board",
  emergency: "Emergency",
  out_of_scope: "Not ours: no cards",
};

const LISTS: Readonly<Record<ListName, string>> = {
  workup: "Work-up",
  treatment: "To discuss",
  safety: "Safety",
  follow_up: "Follow-up",
  info: "Good to know",
};

const STANDINGS: Readonly<Record<Status, string>> = { E: "from the paper", I: "inferred", P: "ours" };

const DATES: Readonly<Record<Evaluation["as_of"]["from"], string>> = {
  page: "chosen here",
  chart: "the chart's own date",
  settings: "set for this service",
  clock: "today",
};

const INDICATORS: Readonly<Record<Card["indicator"], string>> = {
  info: "Information",
  warning: "Warning",
  critical: "Critical",
};

export const LIST_ORDER: readonly ListName[] = ["treatment", "workup", "safety", "follow_up", "info"];

/** The state of a decision, in words; a code that is new here is shown as it is. */
export const stateInWords = (state: string): string => STATES[state] ?? state.replaceAll("_", " ");
export const listInWords = (list: ListName): string => LISTS[list];
export const standing = (status: Status): string => STANDINGS[status];
export const indicatorInWords = (indicator: Card["indicator"]): string => INDICATORS[indicator] ?? indicator;

export const standings = Object.entries(STANDINGS) as readonly (readonly [Status, string])[];

/** Who said at which date a chart is evaluated. */
export const dateFrom = (asOf: Evaluation["as_of"]): string => DATES[asOf.from];

/** `1 question`, `2 questions`. */
export const counted = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;

/** What stands where an input would that nobody looked for. */
export const NOT_READ = "not read: the chart is out of scope";

/** What stands where a chart would, as long as there is none. */
export const NO_CHART = "No chart yet: open or drop a file.";

/** Where an edge without a next node ends. */
export function endInWords(edge: GuidelineEdge): string {
  if (edge.stops) return STATES["workup"] as string;
  return edge.state === null ? "End" : stateInWords(edge.state);
}

export const valueInWords = (value: string): string => value.replaceAll("_", " ");

/** A label as it begins a line. */
export const beginning = (label: string): string => label.charAt(0).toUpperCase() + label.slice(1);
