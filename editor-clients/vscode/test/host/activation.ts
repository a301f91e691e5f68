/** How long our extension, or an empty one in its place, takes to be loaded and activated, by the extension host's own marks. */
import * as vscode from "vscode";

const IDS = ["farebox.farebox", "farebox.nothing"];

type Mark = { readonly name: string; readonly startTime: number };

/** The extension host's own marks: VS Code keeps them where its parts find them. */
const kept = globalThis as unknown as { MonacoPerformanceMarks?: { getMarks(): readonly Mark[] } };

/** Returns how long two marks of an extension lie apart, in milliseconds. */
function between(id: string, first: string, last: string): number {
  const at = (name: string) => {
    const all = kept.MonacoPerformanceMarks?.getMarks() ?? [];
    return all.find((mark) => mark.name === `code/extHost/${name}/${id}`)?.startTime ?? Number.NaN;
  };
  return at(last) - at(first);
}

export async function run(): Promise<void> {
  for (const id of IDS) {
    const extension = vscode.extensions.getExtension(id);
    if (!extension) continue;
    await extension.activate();
    const loadMs = between(id, "willLoadExtensionCode", "didLoadExtensionCode");
    const activateMs = between(id, "willActivateExtension", "didActivateExtension");
    console.log(JSON.stringify({ id, loadMs, activateMs }));
  }
}
