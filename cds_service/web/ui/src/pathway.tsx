/** The pathway page: one chart's way through the decision graph, and one sheet of it for the tumour board. */

import "./style.css";
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Guideline, Story } from "./contract";
import { placed, useEvaluation, type Chart } from "./evaluating";
import { askForChart } from "./handover";
import { ChartSource } from "./parts/ChartSource";
import { ChartView } from "./parts/ChartView";
import { Frame } from "./parts/Frame";
import { NO_STORY, Refused } from "./parts/Refused";
import * as service from "./service";
import { start } from "./start";
import { nameInFragment, useStory } from "./story";
import { NO_CHART } from "./words";

interface Props {
  readonly guideline: Guideline;
  readonly stories: readonly Story[];
  readonly given: Chart | null;
}

function PathwayPage({ guideline, stories, given }: Props): VNode {
  const first = given ? null : (nameInFragment(stories) ?? stories[0]?.name ?? null);
  const [chart, setChart] = useState<Chart | null>(given);
  const { story, choose, leave, about, failed } = useStory(stories, first, (text) =>
    setChart({ text, asOf: "", whatIf: {} }),
  );
  const { broken, outcome } = useEvaluation(chart);
  const evaluation = outcome?.evaluation;
  const refusal = outcome?.refusal;
  const places = useMemo(() => (refusal && chart ? placed(refusal, chart.text).inText : []), [refusal, chart]);

  const takeOver = (text: string): void => {
    leave();
    setChart({ text, asOf: "", whatIf: {} });
  };
  const print = (
    <button type="button" class="print" disabled={!evaluation} onClick={() => window.print()}>
      Print for the tumour board
    </button>
  );

  return (
    <Frame page="pathway" aside={print}>
      <main class="pathway-page">
        <h1 class="off">Pathway</h1>
        <section class="bar" aria-label="Chart">
          <ChartSource stories={stories} story={story} onStory={choose} onFile={takeOver} />
          <p class="about">{about}</p>
        </section>
        <p class="off" role="status">
          {evaluation ? `Evaluated: ${evaluation.patient}` : ""}
        </p>
        {chart === null && story === null && <p>{NO_CHART}</p>}
        {failed && <Refused refusal={NO_STORY} />}
        {broken && (
          <Refused
            refusal={{
              status: 400,
              lines: [`Line ${broken.line}, column ${broken.column}: ${broken.message}`],
              body: null,
            }}
          />
        )}
        {refusal && <Refused refusal={refusal} places={places} />}
        {evaluation && <ChartView guideline={guideline} evaluation={evaluation} />}
      </main>
    </Frame>
  );
}

await start(async () => {
  const [guideline, stories, given] = await Promise.all([service.guideline(), service.stories(), askForChart()]);
  return <PathwayPage guideline={guideline} stories={stories} given={given} />;
});
