#!/usr/bin/env bash
# cbor-x 1.6.9 and cbor2 6.3.0, Node 20, Python 3.11; run on 2026-12-01.
#
# A server in Node sends a payment as CBOR to one in Python: the number of the invoice, and the amount in cents. CBOR has
# integers of 64 bits, and the numbers are whole.
# Expected: int in Python, as from JSON; the number of the invoice is the same text on both sides.
# What happens: from 4294967296 on, and below -4294967296, cbor-x writes a whole number as a float, and cbor2 makes a float of
# it: the invoice 4294967296 is "4294967296.0", and a key of a dictionary, a hash or a signature over the text is another one.
# isinstance(cents, int) holds for small amounts and not for large ones. That the size decides is not in the list of options.
# Who is hurt: ids, times in milliseconds, which are all above it, and sums of money from 42,949,672.96 on. Tests with small
# numbers see nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "cbor-x@1.6.9"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "cbor2==6.3.0"
cat >"$folder/send.cjs" <<'JS'
const { encode } = require("cbor-x");

for (const number of [4294967295, 4294967296, -4294967297, Date.UTC(2026, 11, 1)]) {
  console.log(number, Buffer.from(encode(number)).toString("hex"));
}
JS
node "$folder/send.cjs" >"$folder/sent"
"$folder/venv/bin/python" - "$folder/sent" <<'PY'
import sys

import cbor2

seen = []
for line in open(sys.argv[1]):
    number, sent = line.split()
    value = cbor2.loads(bytes.fromhex(sent))
    print(f"{number} is sent as {sent}, and read as {value!r}")
    seen.append(str(value) == number)
sys.exit(seen != [True, False, False, False])
PY
