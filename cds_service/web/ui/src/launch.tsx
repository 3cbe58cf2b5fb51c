/** Where an EHR launches the SMART app: on to its authorization server, with PKCE, as a public client. */

import "./style.css";
import FHIR from "fhirclient";
import { pageSettings } from "./service";
import { start } from "./start";

/** The origin of an address, or null for what is none. */
const originOf = (address: string): string | null => (URL.canParse(address) ? new URL(address).origin : null);

await start(async () => {
  const settings = await pageSettings();
  const iss = new URLSearchParams(location.search).get("iss");
  if (settings.smart.client_id === null) throw new Error("This service is not set up as a SMART app.");
  if (iss === null) throw new Error("An EHR launches this page; it named no FHIR server.");
  if (!settings.connect.includes(originOf(iss) ?? "")) {
    throw new Error("This service is not set up to read from the FHIR server that the EHR named.");
  }
  await FHIR.oauth2.authorize({
    clientId: settings.smart.client_id,
    scope: settings.smart.scope,
    redirectUri: new URL("/smart", location.origin).href,
    pkceMode: "required",
    completeInTarget: true,
  });
  return (
    <main class="waiting">
      <h1>Signing in</h1>
      <p role="status">Going on to the sign-in page of the EHR.</p>
    </main>
  );
});
