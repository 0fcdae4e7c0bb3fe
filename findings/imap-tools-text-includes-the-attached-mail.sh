#!/usr/bin/env bash
# imap-tools 1.16.0, Python 3.11; run on 2026-11-30.
#
# A person answers a question by mail: "No, see below." is the text, and the mail in which the head of
# department once wrote "Approved." is attached, as mail programs do it (message/rfc822 with a file name).
# Expected: `MailMessage.text` is what the person wrote. The attached mail is an attachment.
# What happens: the attached mail is in `attachments` and its text, beside that, in the text of the answer, with
# no mark between the two; `html` is the same. The property walks through all parts and leaves out those that
# have a file name; the attached mail has one, but the text inside it has none of its own. A text file that is
# attached stays out, so the usual test with an attachment shows nothing.
# Who is hurt: whatever reads answers, tickets or orders from mail. Words of somebody who has not written count
# as the sender's: a refusal contains the word "Approved", a search for an amount finds the old one, and no
# stripping of quotes helps, since nothing is quoted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "imap-tools==1.16.0"
cat >"$folder/answer.py" <<'PYTHON'
from email.message import EmailMessage

from imap_tools import MailMessage


def mail(sender, subject, text):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "desk@example.com", subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


answer = mail("kim@example.com", "Re: pay 4,000 EUR?", "No, see below.")
answer.add_attachment(mail("head@example.com", "pay 90 EUR?", "Approved."), filename="pay 90 EUR.eml")
answer.add_attachment("Approved, too.", filename="notes.txt")

read = MailMessage.from_bytes(answer.as_bytes())
print("text:", read.from_, repr(read.text))
print("html:", read.from_, repr(read.html))
print("attachments:", [part.filename for part in read.attachments])
as_seen = (
    read.text == "No, see below.\nApproved.\n"
    and read.html == "<p>No, see below.</p>\n<p>Approved.</p>\n"
    and [part.filename for part in read.attachments] == ["pay 90 EUR.eml", "notes.txt"]
)
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/answer.py"
