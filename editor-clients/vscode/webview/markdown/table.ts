/** Tables as GitHub writes them: a row of heads, a row of dashes, rows. */
import { inlines } from "./inlines";
import { interrupts, isBlank } from "./lines";
import type { Alignment, Table } from "./tree";

/** Splits a row where there is a bar that is not escaped. */
function cells(line: string): readonly string[] {
  const row = line.trim().replace(/^\|/, "");
  const found = row.split(/(?<!\\)\|/);
  if (found.length > 1 && isBlank(found.at(-1) ?? "")) found.pop();
  return found.map((cell) => cell.replaceAll("\\|", "|").trim());
}

function alignmentsOf(line: string): readonly Alignment[] | null {
  if (!/^[ \t:|-]+$/.test(line) || !line.includes("|") || !line.includes("-")) return null;
  const found = cells(line);
  if (!found.every((cell) => /^:?-+:?$/.test(cell))) return null;
  return found.map((cell) => {
    if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
    return cell.startsWith(":") ? "left" : null;
  });
}

/** Says whether a table begins at a line: it tells so only with its second line. */
export function isTable(head: string, below: string | undefined): boolean {
  if (below === undefined || !head.includes("|")) return false;
  const alignments = alignmentsOf(below);
  return alignments !== null && alignments.length === cells(head).length;
}

/** Reads the table that begins at a line, and tells where it ends. */
export function tableAt(
  lines: readonly string[],
  first: number,
): { readonly table: Table; readonly end: number } {
  const alignments = alignmentsOf(lines[first + 1] ?? "") ?? [];
  let end = first + 2;
  while (end < lines.length && !isBlank(lines[end] ?? "") && !interrupts(lines[end] ?? "")) end += 1;
  const head = cells(lines[first] ?? "").map(inlines);
  const rows = lines.slice(first + 2, end).map((line) => {
    const found = cells(line);
    return alignments.map((_, column) => inlines(found[column] ?? ""));
  });
  return { table: { kind: "table", alignments, head, rows }, end };
}
