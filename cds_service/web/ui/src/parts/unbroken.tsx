/** Text in which no line ends within a date, or between a number and its unit. */

import type { ComponentChildren } from "preact";

const TOGETHER = /(\b\d{4}-\d{2}(?:-\d{2})?\b|\d+(?:\.\d+)? (?:%|cm|mm)\??)/;

export const unbroken = (text: string): ComponentChildren =>
  text.split(TOGETHER).map((part, index) => (index % 2 === 1 ? <span class="unbroken">{part}</span> : part));
