#!/usr/bin/env bash
# word2number 1.1 (num2words 0.5.14 beside it), Python 3.11; run on 2026-12-01.
#
# Somebody says or writes an amount in words, or a contract has it beside the digits, and word2number makes a number of it:
# "two million five hundred thousand".
# Expected: 2500000. Its page shows "two million three thousand nine hundred and eighty four", which is right.
# What happens: 2501500. Where there are millions and thousands, and nothing behind the thousands, their words are counted once
# more: five hundred thousand is 500000, and then 5 times 100 plus 1000. "three billion five hundred million" is 1000500 too
# much. One word behind them, "and fifty", makes it right. (It has been reported since 2018; 1.1 is the newest version.)
# Who is hurt: the approver of round amounts, which are the ones that people say. It is a little too much, far too near to be
# noticed, and a comparison with the digits of a contract or a limit of two and a half million is wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "word2number==1.1" "num2words==0.5.14"
cat >"$folder/amount.py" <<'PYTHON'
from num2words import num2words
from word2number import w2n

described = {
    2_500_000: 2_501_500,
    1_020_000: 1_021_020,
    3_500_000_000: 3_501_000_500,
    2_500_050: 2_500_050,
    500_000: 500_000,
    2_003_984: 2_003_984,
}
words = {amount: num2words(amount).replace(",", "") for amount in described}
seen = {amount: w2n.word_to_num(said) for amount, said in words.items()}
for amount, said in words.items():
    print(f"{said}: {seen[amount]}, which is {seen[amount] - amount} too much")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/amount.py"
