/** The chart of a SMART launch, read by this browser: the service's own prefetch queries, answered. */

import type Client from "fhirclient/lib/Client";

interface Bundle {
  readonly entry?: readonly unknown[];
}

/** The hook request that an EHR would send for this patient, with every one of these queries answered. */
export async function readChart(
  client: Client,
  patientId: string,
  queries: Readonly<Record<string, string>>,
): Promise<unknown> {
  const answers = await Promise.all(
    Object.entries(queries).map(async ([key, query]) => {
      // In a search value these characters separate values: an id that holds one would ask for several patients.
      const id = query.includes("?") ? patientId.replaceAll(/[\\,$|]/g, "\\$&") : patientId;
      const url = query.replaceAll("{{context.patientId}}", () => encodeURIComponent(id));
      return [key, await answerTo(client, url)] as const;
    }),
  );
  return {
    hook: "patient-view",
    hookInstance: crypto.randomUUID(),
    fhirServer: client.state.serverUrl,
    context: { userId: client.getFhirUser() ?? "Practitioner/not-told", patientId },
    prefetch: Object.fromEntries(answers),
  };
}

/** The answer, all pages of it; a query that fails is an outcome that says so, never an empty answer. */
async function answerTo(client: Client, url: string): Promise<unknown> {
  try {
    if (!url.includes("?")) return await client.request(url);
    const pages = await client.request<readonly Bundle[]>(url, { pageLimit: 0 });
    return { resourceType: "Bundle", type: "searchset", entry: pages.flatMap((page) => page.entry ?? []) };
  } catch {
    return {
      resourceType: "OperationOutcome",
      issue: [{ severity: "error", code: "exception", diagnostics: "The FHIR server did not answer this query." }],
    };
  }
}
