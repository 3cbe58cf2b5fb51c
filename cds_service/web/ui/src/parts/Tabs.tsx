/** Tabs by the ARIA pattern: arrows move between them, and every panel stays what it was. */

import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

interface Tab {
  readonly id: string;
  readonly title: string;
  readonly panel: ComponentChildren;
}

interface Props {
  readonly label: string;
  readonly tabs: readonly Tab[];
  /** The tab where something is wrong: it opens by itself. */
  readonly attention: string | null;
}

export function Tabs({ label, tabs, attention }: Props): VNode {
  const [open, setOpen] = useState(tabs[0]?.id ?? "");
  useEffect(() => {
    if (attention !== null) setOpen(attention);
  }, [attention]);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex((tab) => tab.id === open) + step + tabs.length) % tabs.length];
    if (!next) return;
    setOpen(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`tab-${tab.id}`}
            aria-selected={open === tab.id}
            aria-controls={`panel-${tab.id}`}
            tabIndex={open === tab.id ? 0 : -1}
            onClick={() => setOpen(tab.id)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      {tabs.map((tab) => (
        <div
          key={tab.id}
          role="tabpanel"
          id={`panel-${tab.id}`}
          aria-labelledby={`tab-${tab.id}`}
          hidden={open !== tab.id}
        >
          {tab.panel}
        </div>
      ))}
    </div>
  );
}
