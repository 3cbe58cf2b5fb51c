/** Which demo patient a page shows: chosen, named by the address, or none once the chart is one's own. */

import { useEffect, useState } from "preact/hooks";
import type { Story } from "./contract";
import * as service from "./service";

export interface Choosing {
  readonly story: string | null;
  readonly choose: (name: string) => void;
  /** The chart is one's own from here on. */
  readonly leave: () => void;
  readonly about: string;
  /** True where the chosen one could not be had; no other chart stands in for it. */
  readonly failed: boolean;
}

/** The demo patient to show, from the first one on; `onChart` takes each chart, or "" where it could not be had. */
export function useStory(
  stories: readonly Story[],
  first: string | null,
  onChart: (text: string) => void,
): Choosing {
  const [story, setStory] = useState(first);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    if (story === null) return;
    let wanted = true;
    const show = (text: string): void => {
      if (!wanted) return;
      setFailed(text === "");
      onChart(text);
      history.replaceState(null, "", `#${story}`);
    };
    service.story(story).then(
      (request) => show(JSON.stringify(request, null, 2)),
      () => show(""),
    );
    return () => {
      wanted = false;
    };
  }, [story]);

  const leave = (): void => {
    setStory(null);
    setFailed(false);
    history.replaceState(null, "", location.pathname);
  };
  const about = stories.find((each) => each.name === story)?.about ?? "A chart of your own.";
  return { story, choose: setStory, leave, about, failed };
}

/** The demo patient that the fragment names, if there is one of that name; an address holds nothing else. */
export function nameInFragment(stories: readonly Story[]): string | null {
  const name = location.hash.slice(1);
  return stories.some((story) => story.name === name) ? name : null;
}
