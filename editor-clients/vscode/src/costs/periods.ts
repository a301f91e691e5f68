/** The times that a cost report can be of. Pure. */

/** `since` is as the server reads it; null: from the first request on. */
export type Period = { readonly title: string; readonly since: string | null };

export const PERIODS = [
  { title: "today", since: "today" },
  { title: "the last 7 days", since: "7d" },
  { title: "this month", since: "month" },
  { title: "all of it", since: null },
] as const satisfies readonly Period[];
