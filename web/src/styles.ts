/**
 * The style sheets of the two shadow roots, constructed once a page (promises BAN-3, DSH-1).
 *
 * Colours are roles. A host overrides them by custom properties on the element or anywhere above it: `--rv-surface`,
 * `--rv-raised`, `--rv-text`, `--rv-muted`, `--rv-border`, `--rv-accent`, `--rv-on-accent`, `--rv-ok`, `--rv-wait`,
 * `--rv-bad`, `--rv-idle`, `--rv-radius`, `--rv-font`, and `--rv-banner-layer`, the banner's z-index. Light or dark
 * follows the reader's system; `color-scheme` on the element decides otherwise. Distances are multiples of 4 px.
 */

const BASE = `
:host {
  color-scheme: light dark;
  --_surface: var(--rv-surface, light-dark(#ffffff, #15181e));
  --_raised: var(--rv-raised, light-dark(#f6f7f9, #1e222a));
  --_text: var(--rv-text, light-dark(#1a1a1a, #eceef1));
  --_muted: var(--rv-muted, light-dark(#5c6370, #a3aab6));
  --_border: var(--rv-border, light-dark(#e0e2e7, #30353f));
  --_edge: light-dark(#888f9b, #737b89);
  --_accent: var(--rv-accent, light-dark(#2d5fd9, #8fb0ff));
  --_on-accent: var(--rv-on-accent, light-dark(#ffffff, #0e1524));
  --_ok: var(--rv-ok, light-dark(#0b8a60, #34d399));
  --_wait: var(--rv-wait, light-dark(#a15c00, #f2b84b));
  --_bad: var(--rv-bad, light-dark(#c3302f, #ff8a82));
  --_idle: var(--rv-idle, light-dark(#6b7280, #9aa1ac));
  --_radius: var(--rv-radius, 8px);
  --_small: max(12.5px, 0.8125rem);
  --_body: max(14px, 0.9375rem);
  --_large: max(17px, 1.125rem);
  color: var(--_text);
  font: 400 var(--_body) / 1.4 var(--rv-font, system-ui, -apple-system, "Segoe UI", Roboto, Ubuntu, Cantarell, "Noto Sans", sans-serif);
  font-variant-numeric: tabular-nums;
  text-align: start;
  -webkit-text-size-adjust: 100%;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h2, h3, ul, dl, dd, dt { margin: 0; padding: 0; font: inherit; }
ul { list-style: none; }
time { white-space: nowrap; }
.quiet { color: var(--_muted); font-size: var(--_small); }
.shape { flex: none; inline-size: 0.75em; block-size: 0.75em; fill: var(--_idle); fill-rule: evenodd; }
[data-shape="ok"] { fill: var(--_ok); }
[data-shape="trying"], [data-shape="attention"] { fill: var(--_wait); }
[data-shape="failed"] { fill: var(--_bad); }
button {
  appearance: none;
  min-block-size: 32px;
  padding: 4px 12px;
  border: 1px solid var(--_border);
  border-radius: calc(var(--_radius) - 2px);
  background: var(--_surface);
  color: inherit;
  font: inherit;
  font-size: var(--_small);
  font-weight: 500;
  line-height: 1.25;
  white-space: nowrap;
  cursor: pointer;
  transition: opacity 150ms;
}
button:hover { border-color: var(--_edge); background: var(--_raised); }
button.filled { border-color: transparent; background: var(--_accent); color: var(--_on-accent); }
button.filled:hover:not([aria-disabled="true"]) { background: color-mix(in srgb, var(--_accent), var(--_text) 12%); }
button[aria-disabled="true"] { border-color: var(--_border); background: var(--_raised); color: var(--_muted); cursor: default; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
progress, meter {
  appearance: none;
  display: block;
  inline-size: 100%;
  block-size: 4px;
  border: 0;
  border-radius: 2px;
  background: var(--_border);
  overflow: hidden;
}
progress::-webkit-progress-bar, meter::-webkit-meter-bar { border: 0; border-radius: 2px; background: var(--_border); block-size: 4px; }
progress::-webkit-progress-value, meter::-webkit-meter-optimum-value, meter::-webkit-meter-suboptimum-value { background: var(--_accent); }
progress::-moz-progress-bar, meter::-moz-meter-bar { background: var(--_accent); }
meter::-webkit-meter-inner-element { display: block; }
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; animation: none !important; }
}
@media (forced-colors: active) {
  .shape { fill: CanvasText; }
  button[aria-disabled="true"] { border-color: GrayText; color: GrayText; }
  progress, meter { border: 1px solid CanvasText; }
}
`;

const BANNER = `
:host {
  position: fixed;
  inset-block-end: 16px;
  inset-inline-end: 16px;
  z-index: var(--rv-banner-layer, 90);
  max-inline-size: calc(100vw - 32px);
}
.card, .pill .open {
  border: 1px solid var(--_border);
  background: var(--_surface);
  box-shadow: 0 8px 28px light-dark(rgb(20 30 60 / 0.16), rgb(0 0 0 / 0.5));
  transition: opacity 150ms, transform 150ms;
  @starting-style { opacity: 0; transform: translateY(4px); }
}
.card {
  display: grid;
  grid-template-columns: auto minmax(0, 1fr);
  gap: 8px 12px;
  inline-size: 380px;
  max-inline-size: 100%;
  padding: 16px;
  border-radius: var(--_radius);
}
.card > * { grid-column: 2; }
.card > .told:empty { display: none; }
.card > .shape { grid-area: 1 / 1; align-self: start; margin-block-start: calc((1.4em - 0.75em) / 2); }
.told { display: grid; gap: 4px; }
.card .line, .card .quiet { text-wrap: pretty; }
.card[data-state="reconnected"] { grid-template-columns: auto minmax(0, 1fr) auto; align-items: center; inline-size: 280px; margin-inline-start: auto; padding-block: 12px; }
.card[data-state="reconnected"] > .shape { align-self: center; margin: 0; }
.card[data-state="reconnected"] > .buttons { grid-area: 1 / 3; margin: 0; }
.title { display: block; font-weight: 600; }
.attempts .quiet { white-space: nowrap; }
.attempts { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; gap: 12px; }
.buttons { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; margin-block-start: 4px; }
.none .told, .pill .told { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.pill .open { display: flex; align-items: center; gap: 8px; min-block-size: 40px; padding: 8px 16px; border-radius: 20px; font-size: var(--_body); }
@media (max-width: 480px) {
  :host { inset-inline: 8px; inset-block-end: 8px; max-inline-size: none; }
  .card { inline-size: 100%; }
  .pill { display: flex; justify-content: flex-end; }
  .buttons > button { min-block-size: 40px; }
}
@media print { :host { display: none; } }
`;

const DASHBOARD = `
:host { display: block; container-type: inline-size; }
.dashboard { border: 1px solid var(--_border); border-radius: var(--_radius); background: var(--_surface); overflow: clip; }
.dashboard > * { padding: 16px 20px; }
.dashboard > * + * { border-block-start: 1px solid var(--_border); }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 8px 24px; }
h2 { font-size: var(--_large); font-weight: 600; }
.lights { display: flex; flex-wrap: wrap; gap: 4px 20px; }
.lights li { display: flex; align-items: center; gap: 6px; fill: initial; font-size: var(--_small); }
.lights .name { font-weight: 500; }
.problems { display: grid; gap: 4px; background: var(--_raised); overflow-wrap: anywhere; }
.problems:empty { display: none; }
.problems p { display: flex; align-items: baseline; gap: 8px; }
.figures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.figures > div { display: flex; flex-direction: column; justify-content: space-between; }
.figures > div + div { border-inline-start: 1px solid var(--_border); padding-inline-start: 20px; }
.figures dt { color: var(--_muted); font-size: var(--_small); }
.figures dd { display: flex; align-items: baseline; gap: 8px; font-size: 28px; font-weight: 600; line-height: 1.2; letter-spacing: -0.01em; }
.figures .shape { inline-size: 14px; block-size: 14px; }
.empty { padding-block: 32px; color: var(--_muted); text-align: center; text-wrap: balance; }

.sessions { display: grid; grid-template-columns: 36px minmax(0, 1fr) max-content max-content max-content; column-gap: 20px; }
.dashboard > .sessions { padding-block: 0; }
.session {
  display: grid;
  grid-column: 1 / -1;
  grid-template-columns: subgrid;
  grid-template-areas: "mono who status expiry buttons" ". details outcome outcome outcome";
  align-items: center;
  row-gap: 4px;
  padding-block: 14px 10px;
}
.session + .session { border-block-start: 1px solid var(--_border); }
.monogram {
  grid-area: mono;
  display: grid;
  place-items: center;
  inline-size: 36px;
  block-size: 36px;
  border-radius: 50%;
  background: color-mix(in srgb, var(--_accent) 12%, var(--_surface));
  color: var(--_accent);
  font-weight: 600;
}
.who { grid-area: who; }
.who .name { display: flex; align-items: baseline; gap: 8px; font-weight: 600; }
.who bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who .quiet { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge { padding: 0 8px; border: 1px solid var(--_border); border-radius: 10px; color: var(--_muted); font-size: var(--_small); font-weight: 500; white-space: nowrap; }
.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.96em; }
.status { grid-area: status; display: flex; align-items: center; gap: 8px; white-space: nowrap; }
.expiry { grid-area: expiry; white-space: nowrap; }
.expiry .shape { margin-inline-end: 6px; }
.session .buttons { grid-area: buttons; display: flex; gap: 8px; }
.outcome { grid-area: outcome; align-self: start; min-block-size: 1.4em; text-align: end; }
.outcome p { display: inline-flex; align-items: baseline; gap: 6px; margin-inline-start: 16px; }
[data-status="needs_reconnect"] .monogram, [data-status="expired"] .monogram, [data-status="unknown"] .monogram { background: var(--_raised); color: var(--_muted); }
details { grid-area: details; align-self: start; min-inline-size: 0; font-size: var(--_small); }
summary { inline-size: fit-content; color: var(--_muted); cursor: pointer; border-radius: 4px; }
summary:hover { color: var(--_text); }
details dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 16px; padding-block: 8px; }
details dt { grid-column: 1; color: var(--_muted); }
details dd { grid-column: 2; overflow-wrap: anywhere; }
a { color: var(--_accent); text-underline-offset: 2px; }

.storage { display: grid; grid-template-columns: auto minmax(80px, 240px) 1fr; align-items: center; gap: 4px 16px; background: var(--_raised); }
h3 { font-size: var(--_small); font-weight: 500; }
.notice { grid-column: 1 / -1; display: flex; align-items: baseline; gap: 8px; font-size: var(--_small); }

@container (max-width: 820px) {
  .sessions { display: block; }
  .session {
    grid-template-columns: 36px minmax(0, 1fr) auto;
    grid-template-areas: "mono who expiry" ". status buttons" ". details outcome";
    gap: 8px 12px;
    padding-block: 16px 12px;
  }
  .expiry { text-align: end; }
  .outcome { inline-size: 0; min-inline-size: 100%; } /* as wide as the buttons, however long its text */
}
@container (max-width: 620px) {
  .session { grid-template-areas: "mono who who" "status status expiry" "buttons buttons buttons" "outcome outcome outcome" "details details details"; }
  .status { align-self: start; }
  .session .buttons > button { flex: 1 1 auto; min-block-size: 40px; padding-inline: 8px; }
  .outcome { min-block-size: 0; text-align: start; }
  .outcome p { margin-inline: 0 16px; }
  .outcome:empty { display: none; }
  .storage { grid-template-columns: auto minmax(0, 1fr); }
  .storage > .quiet { grid-column: 1 / -1; }
}
@container (max-width: 480px) {
  .session { grid-template-areas: "mono who who" "status status status" "expiry expiry expiry" "buttons buttons buttons" "outcome outcome outcome" "details details details"; }
  .expiry { text-align: start; white-space: normal; }
  .dashboard > * { padding-inline: 16px; }
  .figures dd { font-size: 24px; }
  .figures > div + div { padding-inline-start: 12px; }
}
`;

/** Sheets already made, by their text: one page constructs each once, however many elements it has. */
const made = new Map<string, CSSStyleSheet>();

export const bannerSheets = (): CSSStyleSheet[] => [sheet(BASE), sheet(BANNER)];

export const dashboardSheets = (): CSSStyleSheet[] => [sheet(BASE), sheet(DASHBOARD)];

function sheet(text: string): CSSStyleSheet {
  let found = made.get(text);
  if (!found) {
    found = new CSSStyleSheet();
    found.replaceSync(text);
    made.set(text, found);
  }
  return found;
}
