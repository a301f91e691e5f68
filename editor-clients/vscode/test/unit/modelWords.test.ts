import assert from "node:assert/strict";
import { test } from "node:test";
import { modelLine } from "../../src/modelWords";
import type { ModelShape } from "../../src/protocol";

const MODEL: ModelShape = {
  id: "openrouter/openai/gpt-4o-mini",
  provider: "openrouter",
  contextWindow: 128_000,
  maxOutputTokens: null,
  inputUsdPerMTok: "0.15",
  outputUsdPerMTok: "0.6",
  capabilities: [],
  state: "ready",
};

function description(more: Partial<ModelShape>): string {
  return modelLine({ ...MODEL, ...more }).description;
}

test("a model is listed with its prices and how much it reads", () => {
  assert.deepEqual(modelLine(MODEL), { label: MODEL.id, description: "$0.15 in, $0.60 out · reads 128k" });
  assert.equal(description({ contextWindow: 1_048_576 }), "$0.15 in, $0.60 out · reads 1.05M");
});

test("what is free, or not known, says so", () => {
  assert.equal(description({ inputUsdPerMTok: "0", outputUsdPerMTok: "0.00", contextWindow: null }), "free");
  assert.equal(description({ inputUsdPerMTok: null, contextWindow: null }), "price unknown");
});

test("a model that cannot be asked says why, also if another version says it", () => {
  assert(description({ state: "missingKey" }).endsWith(" · no key"));
  assert(description({ state: "asleep" as ModelShape["state"] }).endsWith(" · asleep"));
});

test("a model's name is never a picture", () => {
  assert.equal(modelLine({ ...MODEL, id: "a/$(flame)\nb" }).label, "a/$\u200b(flame) b");
});
