/** What every page has around it: the name, the other pages, and what this is not. */

import type { ComponentChildren, VNode } from "preact";

interface Props {
  readonly page: "playground" | "pathway" | "smart";
  /** Shown beside the name, for example how to print. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame({ page, aside, children }: Props): VNode {
  return (
    <>
      <header class="top">
        <p class="name">
          nelm-cds <span>neuroendocrine liver metastases, 2006 Utrecht protocol</span>
        </p>
        {page !== "smart" && (
          <nav aria-label="Pages">
            <a href="/" aria-current={page === "playground" ? "page" : undefined}>
              Playground
            </a>
            <a
              href="/pathway"
              {...(page === "playground" ? { target: "pathway", rel: "opener" } : {})}
              aria-current={page === "pathway" ? "page" : undefined}
            >
              Pathway
            </a>
          </nav>
        )}
        {aside}
      </header>
      {children}
      <footer class="bottom">
        Decision support for a tumour board: a reconstruction of a 2006 protocol from its text, not reviewed by
        clinicians. No chart is stored; it goes from this browser to this service and nowhere else.{" "}
        <a href="/assets/licences.md">Licences</a>
      </footer>
    </>
  );
}
