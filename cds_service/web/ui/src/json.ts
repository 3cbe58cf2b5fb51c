/** JSON text as a person edits it: where it is broken, and where a pointer leads. */

import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";

/** A place in a text, counted from 1, and what is wrong there. */
export interface Complaint {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  readonly message: string;
}

const STRICT = { disallowComments: true, allowTrailingComma: false };

export type Parsed = { readonly value: unknown; readonly complaint?: never } | { readonly complaint: Complaint };

/** The value of a JSON text, or the first place where it is none. */
export function parse(text: string): Parsed {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    const errors: ParseError[] = [];
    parseTree(text, errors, STRICT);
    const first = errors[0];
    const message = first ? inWords(printParseErrorCode(first.error)) : "not valid JSON";
    return { complaint: { ...placeAt(text, first?.offset ?? text.length), message } };
  }
}

/** The place of the value that a JSON Pointer names, or of its nearest ancestor that is there. */
export function placeOf(text: string, pointer: string): Omit<Complaint, "message"> | null {
  const root = parseTree(text, [], STRICT);
  if (!root) return null;
  const path = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  let found: Node = root;
  for (const part of path) {
    const next = findNodeAtLocation(found, [found.type === "array" ? Number(part) : part]);
    if (!next) break;
    found = next;
  }
  // At the member's name where there is one: that is what a person looks for.
  return placeAt(text, found.parent?.type === "property" ? found.parent.offset : found.offset);
}

export function placeAt(text: string, offset: number): Omit<Complaint, "message"> {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { offset, line: before.split("\n").length, column: offset - start + 1 };
}

const inWords = (code: string): string => code.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
