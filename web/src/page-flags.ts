/** What the page can do and how it stands: plain flags for the diagnostics, nothing that tells who the visitor is. */
export function pageFlags(): Record<string, boolean> {
  return {
    visible: document.visibilityState === "visible",
    online: navigator.onLine,
    secureContext: isSecureContext,
    crossOriginIsolated,
    framed: self !== top,
    indexedDb: typeof indexedDB === "object",
    webLocks: "locks" in navigator,
    broadcastChannel: typeof BroadcastChannel === "function",
    serviceWorker: Boolean(navigator.serviceWorker?.controller),
    trustedTypes: "trustedTypes" in self,
  };
}
