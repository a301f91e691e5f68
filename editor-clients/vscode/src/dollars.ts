/** How money is read: cents, or the first two digits that are not zero. Pure. */

const MAX_DIGITS = 9;

/** Returns decimal dollars, as the server tells them, for people; null is a price that nobody knows. */
export function dollars(usd: string | null | undefined): string {
  const amount = usd === null || usd === undefined || usd.trim() === "" ? Number.NaN : Number(usd);
  if (!Number.isFinite(amount)) return "unknown";
  return `$${amount.toFixed(digitsOf(amount))}`;
}

function digitsOf(amount: number): number {
  if (amount <= 0 || amount >= 0.01) return 2;
  return Math.min(MAX_DIGITS, 1 - Math.floor(Math.log10(amount)));
}
