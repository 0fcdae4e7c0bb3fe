#!/usr/bin/env bash
# json-schema-to-zod 2.8.1 with zod 4.4.3 and ajv 8.17.1, Node 20; run on 2026-12-01.
#
# A tool has a schema: an amount, and from 1000 on (if, then) a reason is required. Frameworks of agents want zod, and the
# schema is turned into it.
# Expected: 5000 without a reason is refused, as ajv does; or the conversion fails. The library can do if, then and else.
# What happens: in a schema that says "type": "object", as those of tools do, if and then are left out without a word. They are
# used only in a schema that has no type, and only together with an else.
# Who is hurt: rules that a form or a tool has in its schema: which amounts need a reason, a second name, an order number. The
# type that comes out compiles and accepts what the schema refuses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "json-schema-to-zod@2.8.1" "zod@4.4.3" "ajv@8.17.1"
cat >"$folder/reason.cjs" <<'JS'
const { default: Ajv } = require("ajv/dist/2020");
const { jsonSchemaToZod } = require("json-schema-to-zod");
const { z } = require("zod");

const fields = { properties: { amount: { type: "number" }, reason: { type: "string" } }, required: ["amount"] };
const above = {
  if: { type: "object", properties: { amount: { type: "number", minimum: 1000 } } },
  then: { type: "object", properties: { reason: { type: "string" } }, required: ["reason"] },
};
const schemas = {
  "a tool's": { type: "object", ...fields, ...above },
  "a tool's with else": { type: "object", ...fields, ...above, else: {} },
  "if, then and else alone": { ...above, else: {} },
};
const ajv = new Ajv();
const seen = Object.entries(schemas).map(([name, schema]) => {
  const source = jsonSchemaToZod(schema);
  const kept = source.includes("1000");
  const valid = ajv.validate(schema, { amount: 5000 });
  console.log(`${name}: the limit is in what comes out: ${kept}; ajv takes 5000 without a reason: ${valid}`);
  return [kept, valid];
});
const type = new Function("z", `return ${jsonSchemaToZod(schemas["a tool's"])}`)(z);
const accepted = type.safeParse({ amount: 5000 }).success;
console.log(`zod takes 5000 without a reason: ${accepted}`);
process.exit(accepted && JSON.stringify(seen) === "[[false,false],[false,false],[true,false]]" ? 0 : 1);
JS
node "$folder/reason.cjs"
