/**
 * Stores and loads sessions with the product and with what we compare it to, in turn, and times both (dev/bench/storage.py).
 * `?runs=…` says how often; the samples, in ms, stand as JSON in `#result` when all is done.
 */
import { NO_PACKAGES } from "../src/boot.ts";
import { createBridge } from "../src/bridge.ts";
import { loadKeys } from "../src/keys.ts";
import { BODIES, type Contender, MANY, type Samples } from "./contender.ts";
import { passworder } from "./passworder.ts";
import { plainJavaScript } from "./plain-javascript.ts";

/** Sessions that one stores before it is the next one's turn: what else the machine does then meets all of them. */
const AT_A_TIME = 10;

/** Sessions that the visits after this one find. */
const LEFT = 10;

const ARCHIVE = "/lib/renvault_web.zip";

/** What dev/bench/storage_page.py defines. */
interface Product extends Contender {
  /** Stores the ten sessions for the visits that follow. */
  leave(): Promise<void>;
  /** Loads them; how long is for the caller to time. */
  open(): Promise<number>;
}

interface Pyodide {
  registerJsModule(name: string, module: object): void;
  runPython(source: string): void;
  globals: { get(name: string): (...values: unknown[]) => unknown };
}

async function fetched(name: string): Promise<Response> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok) throw new Error(`${name} answered ${response.status}`);
  return response;
}

/** The product's storage on the product's bridge and runtime, without its views. */
async function theProduct(): Promise<Product> {
  const runtime = new URL("runtime/", document.baseURI).href;
  const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
  const archive = new Uint8Array(await (await fetched("runtime/renvault_web.zip")).arrayBuffer());
  const pyodide: Pyodide = await loadPyodide({
    indexURL: runtime,
    stdLibURL: `${runtime}stdlib.zip`,
    lockFileContents: NO_PACKAGES,
    env: { HOME: "/home/pyodide", PYTHONPATH: ARCHIVE },
    fsInit: async (fs: { writeFile(path: string, bytes: Uint8Array): void }) => fs.writeFile(ARCHIVE, archive),
  });
  pyodide.registerJsModule("renvault_bridge", await createBridge(() => {}));
  pyodide.runPython(await (await fetched("python.json")).json());
  const call = (name: string) => pyodide.globals.get(name) as (...numbers: number[]) => Promise<number>;
  (pyodide.globals.get("take") as (json: string) => void)(JSON.stringify(BODIES));
  return {
    name: "product",
    store: async (from, count) => void (await call("store")(from, count)),
    load: (count) => call("load")(count),
    clear: async () => void (await call("clear")()),
    leave: async () => void (await call("store")(0, LEFT)),
    open: () => call("load")(LEFT),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** One round, in which each of the contenders stores and loads all sessions and leaves nothing behind. */
async function round(contenders: Contender[]): Promise<Record<string, number>> {
  const took: Record<string, number> = {};
  for (let from = 0; from < MANY; from += AT_A_TIME) {
    for (const { name, store } of contenders) {
      const key = `${name}_store_ms`;
      took[key] = (took[key] ?? 0) + (await timed(() => store(from, AT_A_TIME))) / MANY;
    }
  }
  for (const { name, load } of contenders) took[`${name}_load_100_ms`] = await timed(() => load(MANY));
  for (const { clear } of contenders) await clear();
  return took;
}

async function run(runs: number): Promise<Record<string, number[]>> {
  const product = await theProduct();
  const contenders: Contender[] = [product, await plainJavaScript(true), await plainJavaScript(false), await passworder()];
  const samples: Samples = {};
  const take = (name: string, value: number) => (samples[name] ??= []).push(value);
  await round(contenders); // a first time that does not count
  for (let turn = 0; turn < runs; turn++) {
    const first = turn % contenders.length;
    const order = [...contenders.slice(first), ...contenders.slice(0, first)];
    for (const [name, value] of Object.entries(await round(order))) take(name, value);
  }
  await product.leave();
  for (let turn = 0; turn < runs; turn++) {
    take("product_open_10_ms", await timed(() => product.open()));
    take("keys_ms", await timed(async () => (await loadKeys("renvault")).end()));
  }
  return samples;
}

const runs = Number(new URL(location.href).searchParams.get("runs"));
const result = document.getElementById("result")!;
run(runs).then(
  (samples) => (result.textContent = JSON.stringify({ samples })),
  (error: unknown) => (result.textContent = JSON.stringify({ error: String(error) })),
);
