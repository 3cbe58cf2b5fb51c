/** How a page begins, and what stands there if the service does not answer. */

import { render, type VNode } from "preact";

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
