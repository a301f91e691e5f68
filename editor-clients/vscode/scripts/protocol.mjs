// Prints src/protocol.ts: farebox schema | node scripts/protocol.mjs > src/protocol.ts
import { readFileSync } from "node:fs";

const schema = JSON.parse(readFileSync(0, "utf8"));

function name(reference) {
  return reference.replace("#/$defs/", "");
}

function literal(value) {
  return JSON.stringify(value);
}

function parenthesised(type) {
  return type.includes(" | ") ? `(${type})` : type;
}

/** Returns the TypeScript of a JSON schema. */
function type(shape) {
  if (shape.$ref) return name(shape.$ref);
  const options = shape.anyOf ?? shape.oneOf;
  if (options) return [...new Set(options.map(type))].join(" | ");
  if (shape.const !== undefined) return literal(shape.const);
  if (shape.enum) return shape.enum.map(literal).join(" | ");
  switch (shape.type) {
    case "string":
    case "boolean":
    case "null":
      return shape.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `${parenthesised(type(shape.items))}[]`;
    case "object":
      return shape.properties ? members(shape, "  ") : "Record<string, unknown>";
    default:
      throw new Error(`no TypeScript for ${JSON.stringify(shape)}`);
  }
}

function members(shape, indent = "") {
  const required = new Set(shape.required ?? []);
  const lines = Object.entries(shape.properties).map(([key, value]) => {
    // What tells one event from another is always sent, though it has a default.
    const isThere = required.has(key) || value.const !== undefined;
    return `${indent}  ${key}${isThere ? "" : "?"}: ${type(value)};`;
  });
  return ["{", ...lines, `${indent}}`].join("\n");
}

function comment(text) {
  return text ? `/** ${text.replaceAll("``", "`").replaceAll("*/", "* /").replaceAll(/\s+/g, " ")} */\n` : "";
}

function definition([key, shape]) {
  const isEmpty = Object.keys(shape.properties ?? {}).length === 0;
  return `${comment(shape.description)}export type ${key} = ${isEmpty ? "Record<string, never>" : members(shape)};`;
}

function methods() {
  const lines = Object.entries(schema.methods).map(
    ([key, one]) => `  ${key}: { params: ${type(one.params)}; result: ${type(one.result)} };`,
  );
  return `/** Each is a request \`farebox/NAME\`. */\nexport type Methods = {\n${lines.join("\n")}\n};`;
}

function notifications() {
  const lines = Object.entries(schema.notifications).map(
    ([key, one]) => `  ${literal(key)}: ${type(one.params)};`,
  );
  return `/** What the server tells unasked. */\nexport type Notifications = {\n${lines.join("\n")}\n};`;
}

const parts = [
  `// Generated from \`farebox schema\` by scripts/protocol.mjs; do not edit.`,
  `export const PROTOCOL_VERSION = ${schema.version};`,
  `/** The kinds of errors, with their codes. */\nexport const ERROR_CODES = ${JSON.stringify(schema.errorCodes, null, 2)} as const;`,
  methods(),
  notifications(),
  ...Object.entries(schema.$defs).map(definition),
];
process.stdout.write(`${parts.join("\n\n")}\n`);
