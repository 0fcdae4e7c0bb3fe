#!/usr/bin/env bash
# cel-js 0.8.2, and @marcbachmann/cel-js 8.0.0 beside it, Node 20; run on 2026-12-01.
#
# A rule of CEL names people and firms whose payments are asked about. One of them is called D'Arcy, and the tool that
# writes the rule escapes the apostrophe, as CEL has it: payee in ['Miller', 'D\'Arcy'].
# Expected: D'Arcy is one of them. The other engine says so, with the same expression and the same data.
# What happens: the quotes are taken off, and the rest stays as it is written, with the backslash in it: the name in the
# rule has seven characters. It is neither found nor reported. So it is with \", \\, \n, \t and \u00e9, also in keys of
# maps.
# Who is hurt: rules that are made by programs from lists of names, paths or texts of more than one line. Most entries are
# right; those with a quote or a backslash never match, and a payment to them is not asked about.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "cel-js@0.8.2" "@marcbachmann/cel-js@8.0.0"
cat >"$folder/payee.mjs" <<'JS'
import { evaluate as other } from "@marcbachmann/cel-js";
import { evaluate } from "cel-js";

const described = [
  [String.raw`payee in ['Miller', 'D\'Arcy']`, { payee: "D'Arcy" }, false],
  [String.raw`payee == "D'Arcy"`, { payee: "D'Arcy" }, true],
  [String.raw`payee == "Andr\u00e9"`, { payee: "Andr\u00e9" }, false],
  [String.raw`path == "\\\\server\\pay"`, { path: "\\\\server\\pay" }, false],
  [String.raw`'D\'Arcy'`, {}, "D\\'Arcy"],
];
const asSeen = described.map(([rule, data, wrong]) => {
  const seen = evaluate(rule, data);
  const right = other(rule, data);
  console.log(`${rule} with ${JSON.stringify(data)}: ${seen}, the other engine ${right}`);
  return seen === wrong && (right === true || right === "D'Arcy");
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/payee.mjs"
