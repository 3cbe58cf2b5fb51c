/** A chart handed from the playground to the pathway page that it opened: in memory, within this origin. */

import type { WhatIf } from "./contract";

export interface Handover {
  readonly text: string;
  readonly asOf: string;
  readonly whatIf: WhatIf;
}

const ASK = "nelm-cds: which chart?";

/** Answers pages that this one opened; gives back how to stop. */
export function offerChart(current: () => Handover): () => void {
  const answer = (event: MessageEvent): void => {
    if (event.origin !== location.origin || event.data !== ASK || event.source === null) return;
    event.source.postMessage(current(), { targetOrigin: location.origin });
  };
  addEventListener("message", answer);
  return () => removeEventListener("message", answer);
}

/** The chart of the page that opened this one; null where there is none, or where it does not answer. */
export async function askForChart(): Promise<Handover | null> {
  const opener = window.opener as Window | null;
  if (opener === null) return null;
  return new Promise((resolve) => {
    const settle = (chart: Handover | null): void => {
      clearTimeout(patience);
      removeEventListener("message", take);
      resolve(chart);
    };
    const take = (event: MessageEvent): void => {
      if (event.origin === location.origin && event.source === opener) settle(event.data as Handover);
    };
    const patience = setTimeout(() => settle(null), 500);
    addEventListener("message", take);
    opener.postMessage(ASK, location.origin);
  });
}
