/** The chart of a SMART launch, read by this browser: the service's own prefetch queries, answered. */

import type Client from "fhirclient/lib/Client";

interface Services {
  readonly services: readonly { readonly hook: string; readonly prefetch?: Readonly<Record<string, string>> }[];
}

interface Bundle {
  readonly entry?: readonly unknown[];
}

/** The hook request that an EHR would send for this patient; throws where the service tells no queries. */
export async function readChart(client: Client, patientId: string): Promise<unknown> {
  const discovery = await fetch("/cds-services", { headers: { Accept: "application/json" } });
  const { services } = (await discovery.json()) as Services;
  const queries = services.find((service) => service.hook === "patient-view")?.prefetch;
  if (!queries) throw new Error("The service does not tell which data it needs.");
  const answers = await Promise.all(
    Object.entries(queries).map(async ([key, query]) => {
      const url = query.replaceAll("{{context.patientId}}", encodeURIComponent(patientId));
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
