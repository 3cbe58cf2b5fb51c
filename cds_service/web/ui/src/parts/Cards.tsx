/** The cards of an answer as an EHR draws them: a bar and a word for the indicator, and the most urgent first. */

import type { VNode } from "preact";
import { useId, useState } from "preact/hooks";
import type { Card, Suggestion } from "../contract";
import { accepted, overridden, type Sent } from "../feedback";
import { indicatorInWords } from "../words";
import { Link, Markdown } from "./Markdown";

const URGENCY: readonly Card["indicator"][] = ["critical", "warning", "info"];

/** Tells the service what became of a card. */
export type Tell = (entry: object) => Promise<Sent>;

interface Props {
  readonly cards: readonly Card[];
  /** The facts that the cards suppose, in one line; empty where they are of the chart alone. */
  readonly supposed: string;
  /** Absent where an EHR tells it: there the buttons show what they would do, and do nothing. */
  readonly tell?: Tell;
}

export function Cards({ cards, ...more }: Props): VNode {
  if (cards.length === 0) {
    return <p class="silence">No cards. The EHR shows nothing: this chart is not one of this guideline.</p>;
  }
  const sorted = [...cards].sort((a, b) => URGENCY.indexOf(a.indicator) - URGENCY.indexOf(b.indicator));
  return (
    <div class="cards">
      {sorted.map((card, index) => (
        <CardArticle key={card.uuid ?? index} card={card} {...more} />
      ))}
    </div>
  );
}

function CardArticle({ card, supposed, tell }: { card: Card } & Omit<Props, "cards">): VNode {
  const [shown, show] = useState<Suggestion | null>(null);
  const [said, say] = useState("");
  const draft = useId();
  const report = async (entry: object, outcome: string): Promise<void> => {
    if (!tell) return;
    say("Sending…");
    say(inWords(outcome, await tell(entry)));
  };
  return (
    <article class={`card ${card.indicator}`}>
      <p class="indicator">
        {indicatorInWords(card.indicator)}
        {supposed && <span class="chip">What if: {supposed} (supposed)</span>}
      </p>
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
        {shown && tell && (
          <button type="button" onClick={() => void report(accepted(card, shown), `Accepted: ${shown.label}`)}>
            Accept, and report it
          </button>
        )}
      </div>
      {card.overrideReasons && card.overrideReasons.length > 0 && (
        <details class="overrides">
          <summary>Dismiss with a reason ({card.overrideReasons.length})</summary>
          <ul>
            {card.overrideReasons.map((reason) => (
              <li key={reason.code}>
                {tell ? (
                  <button
                    type="button"
                    onClick={() => void report(overridden(card, reason), `Overridden: ${reason.display}`)}
                  >
                    {reason.display}
                  </button>
                ) : (
                  reason.display
                )}
              </li>
            ))}
          </ul>
        </details>
      )}
      <p class="told" role="status">
        {said}
      </p>
      <p class="source">
        Source: <Link url={card.source.url ?? ""}>{card.source.label}</Link>
      </p>
    </article>
  );
}

function inWords(outcome: string, { status, lines }: Sent): string {
  if (status === 200) return `${outcome}. Reported: the service answered 200.`;
  const answer = status === 0 ? "no answer" : `the service answered ${status}`;
  return `${outcome}. Not taken, ${answer}: ${lines.join(" ")}`;
}
