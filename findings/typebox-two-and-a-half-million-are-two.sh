#!/usr/bin/env bash
# @sinclair/typebox 0.34.52, and its successor typebox 1.4.3 beside it, Node 20; run on 2026-12-01.
#
# A number of units comes as text, from a form, a table or a model, and is written the short way: "2.5e6". The schema says
# Type.Integer({ maximum: 1000 }), and Value.Parse converts and checks.
# Expected: 2500000, which is refused as too large, as Type.Number() with the same text is 2500000; or an error for the text.
# What happens: 2, and it is accepted. That a text is a number is found with one reading, which knows exponents, and its value
# as an integer with another one, which ends at the first character that is no digit. typebox 1.4.3 gives 2500000.
# Who is hurt: servers and tools of agents that convert what comes in. Python, Java, JavaScript and spreadsheets write large
# numbers so by themselves; what was above a limit is within it, and what is carried out is a millionth of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "@sinclair/typebox@0.34.52" "typebox@1.4.3"
cat >"$folder/units.mjs" <<'JS'
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import NewType from "typebox";
import NewValue from "typebox/value";

const outcome = (parse) => {
  try {
    return parse();
  } catch {
    return "refused";
  }
};
const limited = { maximum: 1000 };
const seen = {
  "Integer, 2500000": outcome(() => Value.Parse(Type.Integer(limited), "2500000")),
  "Integer, 2.5e6": outcome(() => Value.Parse(Type.Integer(limited), "2.5e6")),
  "Number, 2.5e6": outcome(() => Value.Parse(Type.Number(limited), "2.5e6")),
  "Integer, 1e21 as JavaScript writes it": outcome(() => Value.Parse(Type.Integer(limited), String(1e21))),
  "Integer, 2.5e6 in typebox 1": NewValue.Convert(NewType.Integer(), "2.5e6"),
};
console.log(seen);
process.exit(Object.values(seen).join() === "refused,2,refused,1,2500000" ? 0 : 1);
JS
node "$folder/units.mjs"
