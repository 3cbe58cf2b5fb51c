/** What a decision lists, and what it withholds with the reason. */

import type { VNode } from "preact";
import type { Evaluation } from "../contract";
import { beginning, LIST_ORDER, listInWords } from "../words";

export function Findings({ evaluation }: { evaluation: Evaluation }): VNode {
  const lists = LIST_ORDER.map((list) => ({
    list,
    items: evaluation.recommendations.filter((each) => each.list === list),
  })).filter(({ items }) => items.length > 0);
  return (
    <div class="findings">
      {lists.length === 0 && <p>Nothing is recommended.</p>}
      {lists.map(({ list, items }) => (
        <section key={list}>
          <h3>{listInWords(list)}</h3>
          <ul>
            {items.map((item) => (
              <li key={item.code}>
                {item.title} <span class="code">{item.code}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {evaluation.withheld.length > 0 && (
        <section>
          <h3>Withheld, and why</h3>
          <ul>
            {evaluation.withheld.map((item) => (
              <li key={`${item.code}:${item.reason}`}>
                {beginning(item.title)} <span class="code">{item.code}</span>
                <span class="why">{item.text}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
