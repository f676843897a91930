/**
 * Asks the browser not to clear this site's data by itself when the device runs short of room. Asked once a page, when
 * there is something to keep; a browser that refuses or asks its user changes nothing for us.
 */
let asked = false;

export function keepData(): void {
  if (asked) return;
  asked = true;
  void ask();
}

async function ask(): Promise<void> {
  try {
    const { storage } = navigator; // absent where the page is not served over https
    if (!(await storage.persisted())) await storage.persist();
  } catch {
    // see above
  }
}
