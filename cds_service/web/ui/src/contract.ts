/** What the service answers to its pages, member by member as it stands on the wire. */

export type Status = "E" | "I" | "P";
export type ListName = "workup" | "treatment" | "info" | "safety" | "follow_up";

export interface GuidelineNode {
  readonly id: string;
  readonly question: string;
  readonly round: number;
}

export interface GuidelineEdge {
  readonly from: string;
  readonly to: string | null;
  readonly answer: string;
  readonly status: Status;
  readonly rules: readonly string[];
  readonly remark: string;
  readonly condition: string;
  readonly stops: boolean;
  readonly state: string | null;
}

export interface InputDeclaration {
  readonly name: string;
  readonly label: string;
  readonly type: "boolean" | "number" | "choice" | "set";
  readonly unit: string | null;
  readonly values?: readonly string[] | null;
}

export interface Guideline {
  readonly id: string;
  readonly edition: string;
  readonly title: string;
  readonly nodes: readonly GuidelineNode[];
  readonly edges: readonly GuidelineEdge[];
  readonly recommendations: readonly { readonly code: string; readonly title: string; readonly kind: string }[];
  readonly inputs: readonly InputDeclaration[];
}

export interface Story {
  readonly name: string;
  readonly title: string;
  readonly about: string;
}

export interface Suggestion {
  readonly label: string;
  readonly uuid?: string;
  readonly actions?: readonly { readonly description?: string; readonly resource?: unknown }[];
}

export interface Card {
  readonly uuid?: string;
  readonly summary: string;
  readonly detail?: string;
  readonly indicator: "info" | "warning" | "critical";
  readonly source: { readonly label: string; readonly url?: string };
  readonly suggestions?: readonly Suggestion[];
  readonly overrideReasons?: readonly OverrideReason[];
}

export interface OverrideReason {
  readonly code: string;
  readonly system?: string;
  readonly display: string;
}

export interface Source {
  readonly reference: string;
  readonly date?: string | null;
}

export interface InputReading {
  readonly name: string;
  readonly label: string;
  readonly text: string | null;
  readonly value: unknown;
  readonly unknown: string | null;
  readonly why: string | null;
  readonly sources: readonly Source[];
  readonly note: string | null;
  readonly changed: boolean;
}

export interface Step {
  readonly node: string;
  readonly question: string;
  readonly answer: string;
  readonly inputs: readonly string[];
  readonly status: Status;
  readonly rules: readonly string[];
  readonly remark: string;
}

export interface Point {
  readonly date: string | null;
  readonly value: number | null;
  readonly comparator: string | null;
  readonly reference: string;
}

export interface MarkerTrend {
  readonly marker: string;
  readonly label: string;
  readonly unit: string | null;
  readonly points: readonly Point[];
  readonly low: number | null;
  readonly high: number | null;
  /** Results that are no number, and so lie on no line. */
  readonly left_out?: readonly { readonly date: string | null; readonly text: string; readonly reference: string }[];
}

export interface Treatment {
  readonly date: string;
  readonly end: string | null;
  readonly label: string;
  readonly reference: string;
}

export interface Evaluation {
  readonly status: number;
  readonly response: { readonly cards: readonly Card[] };
  readonly decision: { readonly guideline: string; readonly edition: string; readonly state: string };
  readonly as_of: { readonly date: string; readonly from: "page" | "chart" | "settings" | "clock" };
  readonly patient: string;
  readonly steps: readonly Step[];
  readonly recommendations: readonly { readonly code: string; readonly title: string; readonly list: ListName }[];
  readonly withheld: readonly {
    readonly code: string;
    readonly title: string;
    readonly reason: string;
    readonly text: string;
  }[];
  readonly inputs: readonly InputReading[];
  readonly trends: readonly MarkerTrend[];
  readonly treatments: readonly Treatment[];
  readonly unused: readonly { readonly reference: string; readonly why: string }[];
}

export interface PageSettings {
  readonly smart: { readonly client_id: string | null; readonly scope: string };
  readonly connect: readonly string[];
  /** The service's own queries, with a placeholder for the patient's id. */
  readonly prefetch: Readonly<Record<string, string>>;
  /** Where the service takes feedback. */
  readonly feedback: string;
}

export type WhatIf = Readonly<Record<string, unknown>>;

export interface EvaluateBody {
  readonly input: unknown;
  readonly as_of?: string;
  readonly what_if?: WhatIf;
}
