#!/usr/bin/env bash
# json-canonicalize 3.0.1, and canonicalize 5.1.0 (for Node 22) beside it, Node 20; run on 2026-12-01.
#
# A receipt is signed over its canonical form (RFC 8785). One of its values is an object with a toJSON of its own: a Buffer
# with a digest, or an amount of a library for money. The receipt is stored as JSON, read again, and the signature is
# checked.
# Expected: the same bytes both times; that is what a canonical form is for. The other library gives them.
# What happens: toJSON is called, and what it returns is written in the order in which it came, since only the objects that
# the library walks through itself are sorted. A Buffer is {"type":...,"data":...} when it is signed and
# {"data":...,"type":...} when it is checked. A toJSON that returns a text, as that of a Date, or an object that happens to
# be in order, is right.
# Who is hurt: signatures, hashes and chains of them over anything but plain data. The entry is reported as changed after it
# was signed, by a verifier in another language at once, and by this one after a restart, when the object has become data.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "json-canonicalize@3.0.1" "canonicalize@5.1.0"
cat >"$folder/receipt.mjs" <<'JS'
import canonicalize from "canonicalize";
import { canonicalize as jsonCanonicalize } from "json-canonicalize";

const receipts = {
  "a Buffer": { digest: Buffer.from("01ff", "hex") },
  "an amount": { amount: { toJSON: () => ({ value: "100.00", currency: "EUR" }) } },
  "a Date": { at: new Date(0) },
};
const same = (write, receipt) => write(receipt) === write(JSON.parse(JSON.stringify(receipt)));
const seen = Object.entries(receipts).map(([name, receipt]) => {
  const pair = [same(jsonCanonicalize, receipt), same(canonicalize, receipt)];
  console.log(`${name}: ${jsonCanonicalize(receipt)}\n    signed and read again it is ${jsonCanonicalize(JSON.parse(JSON.stringify(receipt)))}` +
    `\n    the same bytes: json-canonicalize ${pair[0]}, canonicalize ${pair[1]}`);
  return pair;
});
process.exit(JSON.stringify(seen) === "[[false,true],[false,true],[true,true]]" ? 0 : 1);
JS
node "$folder/receipt.mjs"
