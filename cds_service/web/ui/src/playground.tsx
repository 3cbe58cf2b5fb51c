/** The playground: a chart goes in, the cards and the way through the protocol come out. */

import "./style.css";
import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Guideline, Story } from "./contract";
import { asCurl } from "./curl";
import { placed, useEvaluation, type Chart } from "./evaluating";
import { offerChart } from "./handover";
import { Cards } from "./parts/Cards";
import { ChartSource } from "./parts/ChartSource";
import { Editor } from "./parts/Editor";
import { Facts } from "./parts/Facts";
import { Frame } from "./parts/Frame";
import { NodeDetail } from "./parts/NodeDetail";
import { Pathway } from "./parts/Pathway";
import { Raw } from "./parts/Raw";
import { Refused } from "./parts/Refused";
import { Tabs } from "./parts/Tabs";
import * as service from "./service";
import { nameInFragment, start } from "./start";
import { NO_CHART, stateInWords } from "./words";

interface Props {
  readonly guideline: Guideline;
  readonly stories: readonly Story[];
}

function Playground({ guideline, stories }: Props): VNode {
  const [story, setStory] = useState<string | null>(nameInFragment(stories) ?? stories[0]?.name ?? null);
  const [chart, setChart] = useState<Chart>({ text: "", asOf: "", whatIf: {} });
  const [node, setNode] = useState<string | null>(null);
  const { body, broken, outcome, pending } = useEvaluation(chart);
  const evaluation = outcome?.evaluation ?? null;
  const said = useMemo(() => (outcome?.refusal ? placed(outcome.refusal, chart.text) : null), [outcome, chart.text]);
  const complaints = broken ? [broken] : (said?.inText ?? []);

  useEffect(() => {
    if (story === null) return;
    let wanted = true;
    void service.story(story).then((request) => {
      if (!wanted) return;
      setChart({ text: JSON.stringify(request, null, 2), asOf: "", whatIf: {} });
      history.replaceState(null, "", `#${story}`);
    });
    return () => {
      wanted = false;
    };
  }, [story]);
  useEffect(() => offerChart(() => chart), [chart]);

  const takeOver = (text: string): void => {
    setStory(null);
    setChart({ text, asOf: chart.asOf, whatIf: {} });
    history.replaceState(null, "", location.pathname);
  };
  const edit = (text: string): void => {
    setStory(null);
    setChart({ ...chart, text });
    history.replaceState(null, "", location.pathname);
  };
  const about = stories.find((each) => each.name === story)?.about ?? "A chart of your own.";

  return (
    <Frame page="playground">
      <main class="playground">
        <h1 class="off">Playground</h1>
        <section class="bar" aria-label="Chart">
          <ChartSource stories={stories} story={story} onStory={setStory} onFile={takeOver} />
          <label class="as-of">
            <span>As of</span>
            <input
              type="date"
              value={chart.asOf}
              onInput={(event) => setChart({ ...chart, asOf: event.currentTarget.value })}
            />
          </label>
          <CopyAsCurl text={body && asCurl(body, location.origin)} />
          <p class="about">{about}</p>
        </section>
        <section class="column cards-column" aria-labelledby="cards-title">
          <h2 id="cards-title">Cards in the EHR</h2>
          <p class="patient" role="status">
            {evaluation ? evaluation.patient : body === null ? (broken ? "" : NO_CHART) : outcome ? "" : "Evaluating…"}
          </p>
          {broken && (
            <div class="refused">
              <h3>The chart is not JSON</h3>
              <p>
                Line {broken.line}, column {broken.column}: {broken.message}
              </p>
            </div>
          )}
          {evaluation && <Cards cards={evaluation.response.cards} />}
          {outcome?.refusal && <Refused refusal={outcome.refusal} />}
        </section>
        <section class="column path-column" aria-labelledby="path-title">
          <div class="stay">
            <h2 id="path-title">Way through the protocol</h2>
            <p class="state" role="status">
              {evaluation ? <strong>{stateInWords(evaluation.decision.state)}</strong> : "No path yet"}
              {evaluation && <span> after {evaluation.steps.length} questions</span>}
              {pending && <span>, evaluating what changed…</span>}
            </p>
            <Pathway
              guideline={guideline}
              steps={evaluation?.steps ?? []}
              selected={node}
              onSelect={(id) => setNode(id === node ? null : id)}
              everyAnswer={false}
            />
            {node && <NodeDetail guideline={guideline} evaluation={evaluation} node={node} />}
          </div>
        </section>
        <section class="column inputs-column" aria-labelledby="inputs-title">
          <h2 id="inputs-title">Inputs</h2>
          <Tabs
            label="Inputs"
            attention={complaints.length > 0 ? "json" : null}
            tabs={[
              {
                id: "facts",
                title: "Facts, what if",
                panel: (
                  <Facts
                    guideline={guideline}
                    evaluation={evaluation}
                    whatIf={chart.whatIf}
                    complaints={said?.ofFacts ?? new Map()}
                    onChange={(whatIf) => setChart({ ...chart, whatIf })}
                  />
                ),
              },
              {
                id: "json",
                title: "Chart as JSON",
                panel: <Editor text={chart.text} complaints={complaints} onInput={edit} />,
              },
            ]}
          />
        </section>
        <Raw request={body} response={evaluation?.response ?? outcome?.refusal?.body ?? null} />
      </main>
    </Frame>
  );
}

function CopyAsCurl({ text }: { text: string | null }): VNode {
  const [said, say] = useState("");
  useEffect(() => say(""), [text]);
  const copy = async (): Promise<void> => {
    if (text === null) return;
    await navigator.clipboard.writeText(text).then(
      () => say("copied"),
      () => say("the browser did not allow it"),
    );
  };
  return (
    <span class="copy">
      <button type="button" disabled={text === null} onClick={() => void copy()}>
        Copy as curl
      </button>
      <span role="status">{said}</span>
    </span>
  );
}

await start(async () => {
  const [guideline, stories] = await Promise.all([service.guideline(), service.stories()]);
  return <Playground guideline={guideline} stories={stories} />;
});
