/** The playground: a chart goes in, the cards and the way through the protocol come out. */

import "./style.css";
import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Guideline, Story } from "./contract";
import { asCurl } from "./curl";
import { placed, useEvaluation, type Chart } from "./evaluating";
import { send, type Sent } from "./feedback";
import { offerChart } from "./handover";
import { AsOf } from "./parts/AsOf";
import { Cards } from "./parts/Cards";
import { ChartSource } from "./parts/ChartSource";
import { CopyAsCurl } from "./parts/CopyAsCurl";
import { Editor } from "./parts/Editor";
import { Facts } from "./parts/Facts";
import { Frame } from "./parts/Frame";
import { NodeDetail } from "./parts/NodeDetail";
import { Pathway } from "./parts/Pathway";
import { Raw } from "./parts/Raw";
import { NO_STORY, Refused } from "./parts/Refused";
import { Legend } from "./parts/Standing";
import { supposedFacts, supposedNames } from "./parts/Supposed";
import { Tabs } from "./parts/Tabs";
import { unbroken } from "./parts/unbroken";
import * as service from "./service";
import { start } from "./start";
import { nameInFragment, useStory } from "./story";
import { counted, NO_CHART, stateInWords } from "./words";

interface Props {
  readonly guideline: Guideline;
  readonly stories: readonly Story[];
  readonly feedbackPath: string;
}

function Playground({ guideline, stories, feedbackPath }: Props): VNode {
  const [chart, setChart] = useState<Chart>({ text: "", asOf: "", whatIf: {} });
  const [node, setNode] = useState<string | null>(null);
  const [sent, setSent] = useState<readonly Sent[]>([]);
  const first = nameInFragment(stories) ?? stories[0]?.name ?? null;
  const { story, choose, leave, about, failed } = useStory(stories, first, (text) =>
    setChart({ text, asOf: "", whatIf: {} }),
  );
  const { body, broken, outcome, pending } = useEvaluation(chart);
  const evaluation = outcome?.evaluation ?? null;
  const said = useMemo(() => (outcome?.refusal ? placed(outcome.refusal, chart.text) : null), [outcome, chart.text]);
  const complaints = broken ? [broken] : (said?.inText ?? []);

  const supposed = useMemo(() => supposedNames(evaluation?.inputs ?? []), [evaluation]);

  useEffect(() => setSent([]), [evaluation]);
  useEffect(() => offerChart(() => chart), [chart]);

  const takeOver = (text: string): void => {
    leave();
    setChart({ text, asOf: chart.asOf, whatIf: {} });
  };
  const edit = (text: string): void => {
    leave();
    setChart({ ...chart, text });
  };
  const tell = async (entry: object): Promise<Sent> => {
    const told = await send(feedbackPath, entry);
    setSent((before) => [...before, told]);
    return told;
  };

  return (
    <Frame page="playground">
      <main class="playground">
        <h1 class="off">Playground</h1>
        <section class="bar" aria-label="Chart">
          <ChartSource stories={stories} story={story} onStory={choose} onFile={takeOver} />
          <AsOf
            chosen={chart.asOf}
            used={evaluation?.as_of ?? null}
            onChoose={(asOf) => setChart({ ...chart, asOf })}
          />
          <CopyAsCurl text={body && asCurl(body, location.origin)} />
          <p class="about">{about}</p>
        </section>
        <section class="column cards-column" aria-labelledby="cards-title">
          <h2 id="cards-title">Cards in the EHR</h2>
          <p class="patient" role="status">
            {evaluation ? unbroken(evaluation.patient) : body === null ? (broken ? "" : NO_CHART) : outcome ? "" : "Evaluating…"}
          </p>
          {broken && (
            <div class="refused">
              <h3>The chart is not JSON</h3>
              <p>
                Line {broken.line}, column {broken.column}: {broken.message}
              </p>
            </div>
          )}
          {failed && <Refused refusal={NO_STORY} />}
          {evaluation && (
            <Cards cards={evaluation.response.cards} supposed={supposedFacts(evaluation)} tell={tell} />
          )}
          {outcome?.refusal && <Refused refusal={outcome.refusal} />}
        </section>
        <section class="column path-column" aria-labelledby="path-title">
          <div class="stay">
            <h2 id="path-title">Way through the protocol</h2>
            <p class="state" role="status">
              {evaluation ? <strong>{stateInWords(evaluation.decision.state)}</strong> : "No path yet"}
              {evaluation && <span> after {counted(evaluation.steps.length, "question")}</span>}
              {pending && <span>, evaluating what changed…</span>}
            </p>
            <Legend />
            <Pathway
              guideline={guideline}
              steps={evaluation?.steps ?? []}
              supposed={supposed}
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
                    disabled={chart.text === ""}
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
        <Raw request={body} response={evaluation?.response ?? outcome?.refusal?.body ?? null} feedback={sent} />
      </main>
    </Frame>
  );
}

await start(async () => {
  const [guideline, stories, { feedback }] = await Promise.all([
    service.guideline(),
    service.stories(),
    service.pageSettings(),
  ]);
  return <Playground guideline={guideline} stories={stories} feedbackPath={feedback} />;
});
