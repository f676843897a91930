/** `renvault.config.json` beside the page: which relay, under which project, and what this page calls itself. */
import { within } from "../src/limit.ts";

/** How long our own origin may take to give the file, ms. */
const CONFIG_LIMIT_MS = 5_000;

export interface PageConfig {
  relayUrl: string;
  /** Empty for a relay that asks for none. */
  projectId: string;
  metadata: { name: string; description: string; url: string; icons: string[] };
  /** Lets the WalletConnect SDK tell its warnings on the console. */
  debug: boolean;
}

/** Loads the configuration. Whatever is missing or not as expected has its default, and `problem` says so. */
export async function loadConfig(): Promise<{ config: PageConfig; problem: string | undefined }> {
  const config: PageConfig = {
    relayUrl: "wss://relay.walletconnect.org",
    projectId: "",
    metadata: { name: "RenVault", description: "Micro-savings on Stacks", url: location.origin, icons: [] },
    debug: false,
  };
  try {
    const given = await within(CONFIG_LIMIT_MS, read(), () => new Error("it did not come in time"));
    const wrong = merge(config, given);
    const problem = wrong.length > 0 ? `The settings in renvault.config.json do not fit: ${wrong.join(", ")}.` : undefined;
    return { config, problem: problem && `${problem} Their defaults are used.` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { config, problem: `renvault.config.json cannot be read (${reason}). The page goes on with its defaults.` };
  }
}

async function read(): Promise<Record<string, unknown>> {
  const answer = await fetch("renvault.config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const text = await answer.text();
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is not a JSON object");
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}

/** Takes over what fits and returns the names of what does not. */
function merge(config: PageConfig, given: Record<string, unknown>): string[] {
  const { relayUrl = config.relayUrl, projectId = "", metadata = {}, debug = false } = given;
  const wrong: string[] = [];
  if (typeof relayUrl === "string" && /^wss?:\/\/[^\s/]/.test(relayUrl)) config.relayUrl = relayUrl;
  else wrong.push("relayUrl");
  if (typeof projectId === "string") config.projectId = projectId;
  else wrong.push("projectId");
  if (typeof debug === "boolean") config.debug = debug;
  else wrong.push("debug");
  if (typeof metadata !== "object" || metadata === null) return [...wrong, "metadata"];
  const { name, description, url, icons } = metadata as Record<string, unknown>;
  if (typeof name === "string" && name) config.metadata.name = name;
  if (typeof description === "string") config.metadata.description = description;
  if (typeof url === "string" && url) config.metadata.url = url;
  if (Array.isArray(icons)) config.metadata.icons = icons.filter((icon) => typeof icon === "string");
  return wrong;
}
