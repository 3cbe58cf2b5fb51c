/** The cards of an answer as an EHR draws them: a bar and a word for the indicator, and the most urgent first. */

import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import type { Card, Suggestion } from "../contract";
import { indicatorInWords } from "../words";
import { Link, Markdown } from "./Markdown";

const URGENCY: readonly Card["indicator"][] = ["critical", "warning", "info"];

export function Cards({ cards }: { cards: readonly Card[] }): VNode {
  if (cards.length === 0) {
    return <p class="silence">No cards. The EHR shows nothing: this chart is not one of this guideline.</p>;
  }
  const sorted = [...cards].sort((a, b) => URGENCY.indexOf(a.indicator) - URGENCY.indexOf(b.indicator));
  return (
    <div class="cards">
      {sorted.map((card, index) => (
        <CardArticle key={card.uuid ?? index} card={card} />
      ))}
    </div>
  );
}

function CardArticle({ card }: { card: Card }): VNode {
  const [shown, show] = useState<Suggestion | null>(null);
  const draft = useId();
  return (
    <article class={`card ${card.indicator}`}>
      <p class="indicator">{indicatorInWords(card.indicator)}</p>
      <h3>{card.summary}</h3>
      {card.detail && <Markdown text={card.detail} />}
      {card.suggestions && card.suggestions.length > 0 && (
        <div class="suggestions" role="group" aria-label="Suggestions">
          {card.suggestions.map((suggestion) => (
            <button
              key={suggestion.uuid ?? suggestion.label}
              type="button"
              class="suggestion"
              aria-expanded={shown === suggestion}
              aria-controls={draft}
              onClick={() => show(shown === suggestion ? null : suggestion)}
            >
              {suggestion.label}
            </button>
          ))}
        </div>
      )}
      <div id={draft} hidden={shown === null}>
        {shown?.actions?.map((action) => (
          <figure class="draft">
            <figcaption>In an EHR this would propose: {action.description}</figcaption>
            <pre tabIndex={0} aria-label={`Draft: ${action.description ?? shown.label}`}>
              {JSON.stringify(action.resource, null, 2)}
            </pre>
          </figure>
        ))}
      </div>
      {card.overrideReasons && card.overrideReasons.length > 0 && (
        <details class="overrides">
          <summary>Dismiss with a reason ({card.overrideReasons.length})</summary>
          <ul>
            {card.overrideReasons.map((reason) => (
              <li key={reason.code}>{reason.display}</li>
            ))}
          </ul>
        </details>
      )}
      <p class="source">
        Source: <Link url={card.source.url ?? ""}>{card.source.label}</Link>
      </p>
    </article>
  );
}
