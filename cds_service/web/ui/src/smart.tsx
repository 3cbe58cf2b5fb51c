/** Where the EHR's authorization server sends back to: the chart is read, evaluated and shown, and no token is kept. */

import "./style.css";
import FHIR from "fhirclient";
import type { VNode } from "preact";
import type { Guideline } from "./contract";
import { Cards } from "./parts/Cards";
import { ChartView } from "./parts/ChartView";
import { Frame } from "./parts/Frame";
import { Refused } from "./parts/Refused";
import * as service from "./service";
import { readChart } from "./smartChart";
import { start } from "./start";

interface Props {
  readonly guideline: Guideline;
  readonly outcome: service.Outcome;
}

function SmartPage({ guideline, outcome: { evaluation, refusal } }: Props): VNode {
  const print = evaluation && (
    <button type="button" class="print" onClick={() => window.print()}>
      Print for the tumour board
    </button>
  );
  return (
    <Frame page="smart" aside={print}>
      <main class="smart-page">
        <h1 class="off">Pathway of this chart</h1>
        {refusal && <Refused refusal={refusal} />}
        {evaluation && <ChartView guideline={guideline} evaluation={evaluation} />}
        {evaluation && (
          <section class="smart-cards" aria-labelledby="cards-title">
            <h2 id="cards-title">Cards</h2>
            <Cards cards={evaluation.response.cards} supposed="" />
          </section>
        )}
      </main>
    </Frame>
  );
}

await start(async () => {
  const client = await FHIR.oauth2.ready().finally(() => sessionStorage.clear());
  const patientId = client.patient.id;
  if (patientId === null) throw new Error("The EHR named no patient.");
  const [guideline, { prefetch }] = await Promise.all([service.guideline(), service.pageSettings()]);
  const input = await readChart(client, patientId, prefetch);
  return <SmartPage guideline={guideline} outcome={await service.evaluate({ input })} />;
});
