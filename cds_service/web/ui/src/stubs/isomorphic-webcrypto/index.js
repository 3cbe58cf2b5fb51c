/** The platform's own: fhirclient asks for another only where there is none, which is no browser and no Node of today. */
export default globalThis.crypto;
