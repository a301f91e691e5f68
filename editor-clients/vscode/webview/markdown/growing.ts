/** A text in markdown that is still being written: only what may yet change is read again. */
import { placed } from "./blocks";
import type { Block } from "./tree";

export class Growing {
  /** Blocks that no more text can change. */
  private readonly settled: Block[] = [];
  private rest = "";
  private unsettled: readonly Block[] = [];

  get blocks(): readonly Block[] {
    return [...this.settled, ...this.unsettled];
  }

  add(text: string): void {
    this.rest += text.replaceAll(/[\r\0]/g, "");
    const lines = this.rest.split("\n");
    const found = placed(lines);
    // The last line is not whole: it may turn out to belong to the block before it.
    const open = found.findLastIndex((one) => one.first < lines.length - 1);
    const kept = Math.max(open, 0);
    this.settled.push(...found.slice(0, kept).map((one) => one.block));
    this.unsettled = found.slice(kept).map((one) => one.block);
    this.rest = lines.slice(found[kept]?.first ?? 0).join("\n");
  }
}
