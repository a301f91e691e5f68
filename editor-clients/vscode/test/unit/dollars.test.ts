import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dollars } from "../../src/dollars";

test("money is read in cents, or by the first two digits that are not zero", () => {
  const read = ["0", "0.42", "12.3456", "0.01", "0.0099", "0.00021", "0.000000004"].map(dollars);
  assert.deepEqual(read, ["$0.00", "$0.42", "$12.35", "$0.01", "$0.0099", "$0.00021", "$0.000000004"]);
});

test("what nobody knows is unknown, and never a zero", () => {
  for (const usd of [null, undefined, "", " ", "soon", "NaN", "Infinity"])
    assert.equal(dollars(usd), "unknown");
});

test("an amount that is more than nothing never reads as nothing", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000_000_000 }), (nanodollars) => {
      assert.match(dollars((nanodollars / 1e9).toFixed(9)), /[1-9]/);
    }),
  );
});
