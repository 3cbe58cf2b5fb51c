import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const page = (name: string): string => resolve(import.meta.dirname, `${name}.html`);

/** What the pages were built from, so that a stale build is noticed without building again. */
function builtFrom(): Plugin {
  const root = import.meta.dirname;
  const own = readdirSync(root).filter((name) => [".html", ".json", ".ts"].includes(extname(name)));
  const below = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const hash = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(root, name)))
      .digest("hex");
  return {
    name: "built-from",
    generateBundle() {
      const hashes = [...own, ...below].sort().map((name) => [name, hash(name)]);
      const source = `${JSON.stringify(Object.fromEntries(hashes), null, 2)}\n`;
      this.emitFile({ type: "asset", fileName: "built-from.json", source });
    },
  };
}

export default defineConfig({
  appType: "mpa",
  plugins: [builtFrom()],
  // fhirclient's own switch for browsers that have `fetch` and `AbortController`.
  define: { FHIRCLIENT_PURE: "true" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    license: { fileName: "assets/licences.md" }, // of the packages whose code is in the build
    // A strict Content-Security-Policy: nothing inline, not even a small image.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index", "pathway", "launch", "smart"].map(page) },
  },
});
