/** Paints the last known status before anything else of the page is loaded (promise PAGE-3). It names no account. */
import { readKnownStatus, wordKnownStatus } from "./last-status.ts";

const line = document.getElementById("status");
const known = readKnownStatus();
if (line) line.textContent = known ? wordKnownStatus(known) : "";

function mark(): void {
  performance.mark("renvault:status-painted");
}

// A frame callback runs before the frame is painted, the task after it just afterwards. A hidden page paints nothing.
if (document.hidden) mark();
else requestAnimationFrame(() => setTimeout(mark));
