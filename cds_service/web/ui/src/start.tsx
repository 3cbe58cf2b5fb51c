/** How a page begins: what its address may hold, and what stands there if the service does not answer. */

import { render, type VNode } from "preact";
import type { Story } from "./contract";

/** The demo patient that the fragment names, if there is one of that name; an address holds nothing else. */
export function nameInFragment(stories: readonly Story[]): string | null {
  const name = location.hash.slice(1);
  return stories.some((story) => story.name === name) ? name : null;
}

/** Shows the page, or says that it cannot be shown and why. */
export async function start(page: () => Promise<VNode>): Promise<void> {
  let shown: VNode;
  try {
    shown = await page();
  } catch (error) {
    shown = (
      <main class="failed">
        <h1>This page cannot be shown</h1>
        <p role="alert">{error instanceof Error ? error.message : "The service does not answer."}</p>
      </main>
    );
  }
  render(shown, document.body);
}
