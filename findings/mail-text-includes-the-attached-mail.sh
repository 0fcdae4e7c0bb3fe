#!/usr/bin/env bash
# imap-tools 1.16.0 and mail-parser 4.8.0, Python 3.11; run on 2026-11-30.
#
# A person answers a question by mail: "No, see below." is the text, and the mail in which the head of
# department once wrote "Approved." is attached, as mail programs do it (message/rfc822 with a file name).
# Expected: the text of the message is what the person wrote. The attached mail is an attachment; mailparser
# for Node keeps the two apart like this.
# What happens: both list the attached mail as an attachment and, beside that, add its text to the text of the
# answer. In imap-tools the two are one string without any mark between them, and the same in `html`; mail-parser
# has them as two equal items of `text_plain`. Both walk through all parts and leave out those with a file name,
# but the text inside the attached mail has none of its own.
# Who is hurt: whatever reads answers, tickets or orders from mail. Words of somebody who has not written count
# as the sender's: a refusal contains the word "Approved", a search for an amount finds the old one, and no
# stripping of quotes helps, since nothing is quoted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "imap-tools==1.16.0" "mail-parser==4.8.0"
cat >"$folder/answer.py" <<'PYTHON'
from email.message import EmailMessage

import mailparser
from imap_tools import MailMessage


def mail(sender, subject, text):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "desk@example.com", subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


answer = mail("kim@example.com", "Re: pay 4,000 EUR?", "No, see below.")
answer.add_attachment(mail("head@example.com", "pay 90 EUR?", "Approved."), filename="pay 90 EUR.eml")

read = MailMessage.from_bytes(answer.as_bytes())
parsed = mailparser.parse_from_bytes(answer.as_bytes())
print("imap-tools text:       ", read.from_, repr(read.text))
print("imap-tools html:       ", read.from_, repr(read.html))
print("imap-tools attachments:", [part.filename for part in read.attachments])
print("mail-parser text_plain:", parsed.from_[0][1], parsed.text_plain)
as_seen = (
    read.text == "No, see below.\nApproved.\n"
    and read.html == "<p>No, see below.</p>\n<p>Approved.</p>\n"
    and [part.filename for part in read.attachments] == ["pay 90 EUR.eml"]
    and [text.strip() for text in parsed.text_plain] == ["No, see below.", "Approved."]
    and len(parsed.attachments) == 1
)
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/answer.py"
