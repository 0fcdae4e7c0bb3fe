#!/usr/bin/env bash
# jsondiffpatch 0.7.7, and microdiff 1.6.0 beside it, Node 20; run on 2026-12-01.
#
# A person sees what has changed in a payment since it was approved: diff(before, after). Amounts are in cents, as bigint,
# which is what drivers of databases and libraries for money give for whole numbers that must be exact.
# Expected: the amount, with what it was and what it is; or an error, as there is one for functions ("not supported").
# What happens: nothing has changed. Two values of the same type that are none of the types it knows pass for equal, so 100n
# and 999999n do. With a text or a number instead it is found, and a bigint that becomes a number as well.
# Who is hurt: whoever asks again only when something has changed. The approval of one euro goes for ten thousand, and the
# history of the record shows no change either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "jsondiffpatch@0.7.7" "microdiff@1.6.0"
cat >"$folder/changed.mjs" <<'JS'
import { diff } from "jsondiffpatch";
import microdiff from "microdiff";

const pairs = [
  ["numbers", 100, 999999],
  ["texts", "100", "999999"],
  ["a bigint and a number", 100n, 999999],
  ["bigints", 100n, 999999n],
];
const seen = pairs.map(([what, before, after]) => {
  const found = diff({ to: "Ann", cents: before }, { to: "Ann", cents: after });
  const beside = microdiff({ cents: before }, { cents: after }).length;
  console.log(`${what}: ${found ? "changed" : "no change"}; microdiff: ${beside} changed`);
  return [found !== undefined, beside];
});
process.exit(JSON.stringify(seen) === "[[true,1],[true,1],[true,1],[false,1]]" ? 0 : 1);
JS
node "$folder/changed.mjs"
