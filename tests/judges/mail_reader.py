"""Reads mails with the parser of Python's own library and says what it makes of them.

usage: mail_reader.py FILE...

Prints a JSON list: for each mail its defects (what its sender wrote wrongly), its header fields in their order, its
text, and whether all its lines end and fit as mail servers want it.
"""

import json
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path


def read(path):
    """One mail."""
    raw = Path(path).read_bytes()
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    defects = [str(defect) for part in mail.walk() for defect in part.defects]
    defects += [f"{name}: {defect}" for name, value in mail.items() for defect in value.defects]
    lines = raw.split(b"\r\n")
    whole = all(b"\n" not in line and b"\r" not in line and len(line) <= 998 for line in lines)
    fields = [[name, str(value)] for name, value in mail.items()]
    return {"defects": defects, "fields": fields, "text": mail.get_content().replace("\r\n", "\n"), "lines_are_right": whole}


print(json.dumps([read(path) for path in sys.argv[1:]]))
