#!/usr/bin/env bash
# currency.js 2.0.4, Node 20; run on 2026-11-30.
#
# A refund of -1,234.50 is shown to a person as `Intl.NumberFormat` writes it in their language, the person
# confirms or edits the text, and currency.js reads it back with the decimal mark of that language and with
# `errorOnInvalid`, so that what it cannot read is an error.
# Expected: -1234.5 in every language, or the error.
# What happens: Swedish, Norwegian, Finnish, Estonian, Lithuanian, Slovenian and Croatian (and others) write
# negative numbers with the sign for minus (U+2212), not with a hyphen, and currency.js takes every character
# that it does not know for decoration. What comes out is +1234.5, and nothing is raised. German, Danish and
# Polish, which write a hyphen, are right, also with a space or a currency in between.
# Who is hurt: whoever reads amounts back in these countries. A refund is booked as a charge of the same
# amount, a total is off by twice that, and tests in English or German see nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "currency.js@2.0.4"
cat >"$folder/refund.cjs" <<'JS'
const currency = require("currency.js");

const languages = ["de-DE", "da-DK", "pl-PL", "sv-SE", "nb-NO", "fi-FI", "et-EE", "lt-LT", "sl-SI", "hr-HR"];
const seen = languages.map((language) => {
  const shown = new Intl.NumberFormat(language, { style: "currency", currency: "EUR" }).format(-1234.5);
  const { value } = currency(shown, { decimal: ",", errorOnInvalid: true });
  console.log(`${language}: ${shown} is read as ${value}`);
  return value;
});
const asSeen = [...Array(3).fill(-1234.5), ...Array(7).fill(1234.5)];
process.exit(JSON.stringify(seen) === JSON.stringify(asSeen) ? 0 : 1);
JS
node "$folder/refund.cjs"
